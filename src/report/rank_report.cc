#include "report/rank_report.h"

#include <algorithm>
#include <set>

#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "report/html.h"
#include "report/view.h"

namespace beholder::report {
namespace {

using Sink = std::function<void(std::string_view)>;
constexpr std::size_t kMaxPictures = 600;  // of a page of several records

struct Totals {
  std::int64_t prompt_tokens = 0, completion_tokens = 0, unparsed = 0, skipped = 0, failed = 0;
  double seconds = 0;
};

std::vector<Judged> read_all(const std::vector<Json>& records) {
  std::vector<Judged> out;
  for (std::size_t i = 0; i < records.size(); ++i) out.push_back(read_judged(records[i], format("record {}", i + 1)));
  return out;
}

Totals add_up(const std::vector<Judged>& records) {
  Totals out;
  for (const Judged& judged : records) {
    out.prompt_tokens += judged.prompt_tokens;
    out.completion_tokens += judged.completion_tokens;
    out.unparsed += judged.unparsed;
    out.skipped += std::ssize(judged.skipped);
    out.failed += judged.kind == Judged::Kind::kFailed ? 1 : 0;
    out.seconds += judged.seconds;
  }
  return out;
}

std::size_t how_many(const std::vector<Judged>& records, const ReportOptions& options, std::size_t& pictures) {
  std::size_t n = 0;
  for (pictures = 0; n < records.size() && n < static_cast<std::size_t>(std::max(options.max_records, 1)); ++n) {
    if (n > 0 && pictures + records[n].media.size() > kMaxPictures) break;
    pictures += records[n].media.size();
  }
  return n;
}

std::string heading(const Judged& judged, std::size_t index, std::size_t total) {
  constexpr std::string_view kKinds[] = {"Ranking", "Comparison", "Scores", "Record"};  // as Judged::Kind
  std::string kicker(kKinds[static_cast<int>(judged.kind)]);
  if (total > 1) kicker += format(" {} of {}", index + 1, total);
  if (!judged.id.empty()) kicker += " · " + judged.id;
  return format("<p class=\"kicker\"><bdi>{}</bdi></p>\n<h2 class=\"prompt{}\" dir=\"auto\">{}</h2>\n", escape(kicker),
                judged.prompt.size() > 240 ? " long" : "", judged.prompt.empty() ? "<i>no prompt recorded</i>" : escape(judged.prompt));
}

std::string record_html(const Judged& judged, std::size_t index, std::size_t total, int side) {
  View view{judged, {}, format("r{}", index + 1)};
  for (const JudgedMedium& medium : judged.media) view.pictures.push_back(load_picture(medium.path, side));
  std::string out = format("<section class=\"record\" id=\"{}\">\n{}{}{}", view.id, heading(judged, index, total), facts_html(judged),
                           notes_html(judged));
  if (!judged.media.empty()) out += thumb_symbols(view);
  if (judged.kind == Judged::Kind::kComparison) {
    out += versus_html(view);
  } else {
    out += ranks_html(view) + matrix_html(view) + pairs_html(view) + list_votes_html(view);
  }
  return out + "</section>\n";
}

std::string index_html(const std::vector<Judged>& records, std::size_t shown) {
  if (shown < 2) return "";
  std::string out = "<nav class=\"index\" aria-label=\"Records\"><ol>\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const Judged& judged = records[i];
    const std::string text = shortened(judged.prompt.empty() ? judged.id : judged.prompt, 90);
    out += format("<li{}><a href=\"#r{}\" dir=\"auto\">{}</a></li>\n", judged.kind == Judged::Kind::kFailed ? " class=\"failed\"" : "",
                  i + 1, text.empty() ? format("record {}", i + 1) : escape(text));
  }
  return out + "</ol></nav>\n";
}

std::string left_out(std::size_t shown, std::size_t given, std::size_t run) {
  if (shown == run) return "";
  const std::string totals = given == run ? "all" : format("the first {}", given);
  return format("<div class=\"box\" role=\"note\"><p>This page shows {} of {} records; the totals at its foot are of {}.</p></div>\n",
                shown, run, totals);
}

std::string how_to_read(const std::vector<Judged>& records) {
  std::set<std::string> strategies;
  bool scores = false;
  for (const Judged& judged : records) {
    if (judged.kind == Judged::Kind::kRanking) strategies.insert(judged.strategy);
    scores = scores || judged.kind == Judged::Kind::kScores;
  }
  std::string out = "<h2>How to read this</h2>\n<ul>\n";
  if (strategies.contains("pairs") || strategies.contains("adaptive"))
    out +=
        "<li>The strength of a medium is its Bradley-Terry log-odds, fitted to all its comparisons; the bar shows it as the chance against "
        "an "
        "average one "
        "of this set. The whisker is the 95% interval from the curvature of the fit.</li>\n";
  if (strategies.contains("anchors"))
    out += "<li>The strength of a medium is its mean chance of winning against the anchors, with Wilson’s 95% interval.</li>\n";
  if (strategies.contains("listwise"))
    out += "<li>The strength of a medium is its mean chance of being the best of all, with Wilson’s 95% interval.</li>\n";
  if (scores) out += "<li>A score is the mean of the readable votes, from 0 to 10.</li>\n";
  const bool pairs = std::any_of(records.begin(), records.end(), [](const Judged& judged) { return !judged.pairs.empty(); });
  if (pairs)
    out +=
        "<li>A pair is judged in both orders, because judges lean to what they see first or last. Where the two orders choose differently, "
        "the pair “disagrees” and its chance is near one half.</li>\n";
  return out +
         "<li>In a thought, <mark>marked words</mark> are those in which the descriptions differ, <mark class=\"fault\">faults</mark> and "
         "their "
         "<mark class=\"no-fault\">absence</mark> are as the judge names them. A thought is what the judge wrote, and it can be "
         "wrong.</li>\n</ul>\n";
}

Facts totals_facts(const std::vector<Judged>& records) {
  const Totals totals = add_up(records);
  Facts out{{"Records", std::to_string(records.size())}};
  if (totals.failed > 0) out.emplace_back("Failed records", std::to_string(totals.failed));
  if (totals.skipped > 0) out.emplace_back("Skipped media", std::to_string(totals.skipped));
  if (totals.unparsed > 0) out.emplace_back("Unreadable answers", std::to_string(totals.unparsed));
  out.emplace_back("Tokens", format("{} read, {} written", totals.prompt_tokens, totals.completion_tokens));
  out.emplace_back("Time", human_duration(totals.seconds));
  return out;
}

}  // namespace

void write_rank_report(const std::string& path, const std::vector<Json>& records, const ReportOptions& options) {
  const std::vector<Judged> judged = read_all(records);
  const std::size_t run = std::max(judged.size(), static_cast<std::size_t>(std::max<std::int64_t>(options.run_records, 0)));
  std::size_t pictures = 0;
  const std::size_t shown = how_many(judged, options, pictures);
  const int side = fitting_side(std::max(options.picture_side_px, 16), pictures);
  Facts facts = options.settings;
  for (auto& fact : totals_facts(judged)) facts.push_back(std::move(fact));
  write_file_atomic(path, [&](const Sink& write) {
    write(page_head(options.title));
    if (judged.empty()) write("<div class=\"box\" role=\"note\"><p>There are no records to show.</p></div>\n");
    write(index_html(judged, shown) + left_out(shown, judged.size(), run));
    for (std::size_t i = 0; i < shown; ++i) write(record_html(judged[i], i, run, side));
    write(page_tail(how_to_read(judged) + "<h2>The run</h2>\n" + facts_table(facts) + "<p class=\"made\">Made by Beholder</p>\n"));
  });
}

}  // namespace beholder::report
