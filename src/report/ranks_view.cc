#include <algorithm>

#include "core/format.h"
#include "report/html.h"
#include "report/view.h"

namespace beholder::report {
namespace {

constexpr std::size_t kOpenAll = 12;  // media; of more, only the thoughts of the best kOpenBest are open
constexpr int kOpenBest = 3;

std::string numbers(const Judged& judged, const JudgedMedium& m) {
  if (judged.kind == Judged::Kind::kScores) {
    std::string out = format("<b>{:.2f}</b> of 10", m.value);
    if (m.votes.size() > 1) {
      out += ", votes";
      for (const double vote : m.votes) out += format(" {:.3g}", vote);
    }
    return out;
  }
  const std::string interval = judged.by_odds() ? format("log-odds {:+.2f} [{:+.2f}, {:+.2f}]", m.value, m.low, m.high)
                                                : format("[{}, {}]", percent_html(m.low), percent_html(m.high));
  return format("<b>{}</b> <span>{}</span>", percent_html(m.share.value), interval);
}

std::string why(const View& view, int i) {
  const JudgedMedium& m = view.medium(i);
  if (!m.has_value) return unread_html(m.problem, "");
  if (!m.reason) return "<p class=\"small\">No readable vote spoke for it.</p>";
  const bool open = i < kOpenBest || view.judged.media.size() <= kOpenAll;
  const std::string_view title =
      view.judged.kind == Judged::Kind::kScores ? "The thought behind the score" : "The clearest thought in its favour";
  return format("<details class=\"why\"{}><summary>{}</summary>{}</details>", open ? " open" : "", title, thought_html(view, *m.reason));
}

std::string row(const View& view, int i) {
  const JudgedMedium& m = view.medium(i);
  std::string out = format("<li class=\"rank{}\"><div class=\"place\">{}</div>{}<div class=\"about\"><h3{}><bdi>{}</bdi></h3>",
                           m.rank == 1 ? " best" : "", m.rank > 0 ? std::to_string(m.rank) : "–", figure(view, i),
                           attribute("title", m.path), escape(m.label));
  if (m.has_value) {
    out += format("<div class=\"strength\">{}<p class=\"numbers\">{}</p></div>", bar(m.share, m.label + ": " + percent(m.share.value)),
                  numbers(view.judged, m));
  }
  return out + why(view, i) + "</div></li>\n";
}

std::string side(const View& view, int i, const PairVerdict& pair) {
  const double p = i == 0 ? pair.p : 1 - pair.p;
  const JudgedMedium& m = view.medium(i);
  return format("<div class=\"side{}\">{}<h3{}><bdi>{}</bdi></h3><p class=\"chance\">{}</p></div>", p > 0.5 ? " best" : "", figure(view, i),
                attribute("title", m.path), escape(m.label), percent_html(p));
}

std::string order_column(const View& view, const PairVerdict& pair, bool left_first) {
  const std::string votes = pair_votes_html(view, pair, left_first);
  if (votes.empty()) return "";
  const auto count = std::count_if(pair.votes.begin(), pair.votes.end(), [&](const PairVote& v) { return v.left_first == left_first; });
  const auto& p = left_first ? pair.p_left_first : pair.p_right_first;
  std::string mean;
  if (count > 1 && p)
    mean = format("<p class=\"order-p\">All votes together: <b>{}</b> for <bdi>{}</bdi></p>", percent_html(*p),
                  escape(view.medium(pair.left).label));
  return format("<div class=\"order\"><h4>Shown first: {}</h4>{}{}</div>", chip(view, left_first ? pair.left : pair.right), mean, votes);
}

}  // namespace

std::string ranks_html(const View& view) {
  if (view.judged.media.empty()) return "";
  std::string out = view.judged.media.size() > kOpenAll ? "<ol class=\"ranks many\">\n" : "<ol class=\"ranks\">\n";
  for (int i = 0; i < static_cast<int>(view.judged.media.size()); ++i) out += row(view, i);
  return out + "</ol>\n";
}

std::string versus_html(const View& view) {
  const PairVerdict& pair = view.judged.pairs[0];
  std::vector<VoteDot> dots;
  for (const PairVote& vote : pair.votes)
    if (vote.parsed) dots.push_back({1 - vote.p, !vote.left_first});
  std::string out = "<div class=\"versus\">" + side(view, 0, pair) + side(view, 1, pair) + "</div>";
  out += format("<div class=\"versus-strip\">{}</div>", vote_strip(1 - pair.p, dots, "votes, from the left medium to the right one"));
  return out + "<h3 class=\"section\">The votes</h3><div class=\"orders\">" + order_column(view, pair, true) +
         order_column(view, pair, false) + "</div>\n";
}

}  // namespace beholder::report
