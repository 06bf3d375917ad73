#include <algorithm>

#include "core/format.h"
#include "core/progress.h"
#include "report/html.h"
#include "report/view.h"

namespace beholder::report {
namespace {

std::string failed_box(const Judged& judged) {
  return format("<div class=\"box error\" role=\"note\"><h3>This record could not be judged</h3><p dir=\"auto\">{}</p>{}</div>\n",
                escape(judged.error), judged.error_code.empty() ? "" : format("<p class=\"small\">{}</p>", escape(judged.error_code)));
}

std::string skipped_box(const Judged& judged) {
  std::string out = format("<div class=\"box warn\" role=\"note\"><h3>{} skipped: not part of this result</h3><ul>",
                           count_of(static_cast<long long>(judged.skipped.size()), "medium was", "media were"));
  for (const auto& [media, error] : judged.skipped) {
    const bool named = error.starts_with(media + ": ");  // the core's errors begin with where they happened
    out += format("<li><b><bdi>{}</bdi></b> <span dir=\"auto\">{}</span></li>", escape(media),
                  escape(named ? std::string_view(error).substr(media.size() + 2) : error));
  }
  return out + "</ul></div>\n";
}

std::string unparsed_box(const Judged& judged) {
  const bool shown = !judged.pairs.empty() || !judged.list_votes.empty();
  return format("<div class=\"box warn\" role=\"note\"><h3>{} could not be read</h3><p>{} left out of every number here{}.</p></div>\n",
                count_of(judged.unparsed, "answer", "answers"), judged.unparsed == 1 ? "It is" : "They are",
                shown ? "; the text stands among the votes below, marked “not readable”" : "");
}

// "19 of 21 agree in both orders"
std::string agreement(const Judged& judged) {
  const auto known = std::count_if(judged.pairs.begin(), judged.pairs.end(), [](const PairVerdict& p) { return p.consistent.has_value(); });
  const auto agree = std::count_if(judged.pairs.begin(), judged.pairs.end(), [](const PairVerdict& p) { return p.consistent == true; });
  if (known == 0) return "";
  if (judged.kind == Judged::Kind::kComparison) return agree == 1 ? "both orders agree" : "the two orders disagree";
  return format("{} of {} agree in both orders", agree, known);
}

std::string first_shown(const Judged& judged) {
  const auto [first, all] = first_shown_preferred(judged);
  if (all < 10 || !judged.both_orders.value_or(false)) return "";  // too few to speak of a bias
  return format("the first shown is preferred in {} of the votes", percent(static_cast<double>(first) / all));
}

}  // namespace

std::string notes_html(const Judged& judged) {
  std::string out;
  if (judged.kind == Judged::Kind::kFailed) out += failed_box(judged);
  if (!judged.skipped.empty()) out += skipped_box(judged);
  if (judged.unparsed > 0) out += unparsed_box(judged);
  return out;
}

std::string facts_html(const Judged& judged) {
  std::vector<std::string> facts;
  if (judged.kind == Judged::Kind::kFailed) return "";
  if (judged.kind != Judged::Kind::kComparison) facts.push_back(count_of(static_cast<long long>(judged.media.size()), "medium", "media"));
  if (judged.strategy == "listwise") {
    facts.push_back(count_of(judged.comparisons, "vote on all of them at once", "votes on all of them at once"));
  } else if (judged.kind == Judged::Kind::kRanking) {
    facts.push_back(count_of(judged.comparisons, "comparison", "comparisons") + (judged.strategy == "anchors" ? " against anchors" : ""));
  }
  if (judged.expected_tau) facts.push_back(format("expected Kendall’s tau to the true order {:.2f}", *judged.expected_tau));
  if (judged.votes > 0 && judged.strategy != "listwise")
    facts.push_back(count_of(judged.votes, "vote", "votes") + (!judged.both_orders   ? ""
                                                               : *judged.both_orders ? " in each of two orders"
                                                                                     : " in one order"));
  facts.push_back(agreement(judged));
  facts.push_back(first_shown(judged));
  if (judged.prompt_tokens + judged.completion_tokens > 0)
    facts.push_back(format("{} tokens read, {} written", human_count(static_cast<double>(judged.prompt_tokens)),
                           human_count(static_cast<double>(judged.completion_tokens))));
  if (judged.seconds > 0) facts.push_back(human_duration(judged.seconds));
  std::string out = "<p class=\"facts\">";
  for (const std::string& fact : facts)
    if (!fact.empty()) out += format("<span>{}</span>", escape(fact));
  return out + "</p>\n";
}

}  // namespace beholder::report
