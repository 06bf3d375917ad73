#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "report/html.h"
#include "report/view.h"

namespace beholder::report {
namespace {

constexpr int kMatrixMedia = 64;  // the best of more

std::string place(const View& view, std::size_t pair) {
  return format("{}p{}", view.id, pair);
}

// "2 cat.png": the rank, and the name where there is room for it.
std::string row_name(const View& view, int i, int shown) {
  const JudgedMedium& m = view.medium(i);
  return shown > 24 ? std::to_string(m.rank) : format("{}  {}", shortened(m.label, 18), m.rank);
}

std::string cell_title(const View& view, const PairVerdict& pair, int row, int column, double p) {
  return format("{} against {}: {}{}", view.medium(row).label, view.medium(column).label, percent(p),
                pair.consistent == false ? ", the two orders disagree" : "");
}

std::string orders_text(const PairVerdict& pair) {
  if (!pair.p_left_first && !pair.p_right_first) return "no readable answer";
  if (!pair.p_right_first) return format("{} shown first", percent_html(*pair.p_left_first));
  if (!pair.p_left_first) return format("{} shown second", percent_html(*pair.p_right_first));
  return format("{} shown first, {} shown second", percent_html(*pair.p_left_first), percent_html(*pair.p_right_first));
}

std::string verdict_flag(const PairVerdict& pair) {
  if (!pair.consistent) return "<span class=\"flag none\" title=\"only one order could be read\">one order</span>";
  return *pair.consistent ? "<span class=\"flag yes\" title=\"both orders choose the same\">agree</span>"
                          : "<span class=\"flag no\" title=\"the choice changes with the order shown\">disagree</span>";
}

std::string column(const View& view, const PairVerdict& pair, bool left_first) {
  const std::string votes = pair_votes_html(view, pair, left_first);
  if (votes.empty()) return "";
  return format("<div class=\"order\"><h4>Shown first: {}</h4>{}</div>", chip(view, left_first ? pair.left : pair.right), votes);
}

std::string one_pair(const View& view, std::size_t index) {
  const PairVerdict& pair = view.judged.pairs[index];
  std::vector<VoteDot> dots;
  for (const PairVote& vote : pair.votes)
    if (vote.parsed) dots.push_back({1 - vote.p, !vote.left_first});
  const bool upset = pair.p < 0.5;
  std::string out = format("<details class=\"pair{}\" id=\"{}\"><summary>", upset ? " upset" : "", place(view, index));
  out += format("<span class=\"left\">{}</span><span class=\"middle\">{}<span class=\"small\">{}</span></span>", chip(view, pair.left),
                vote_strip(1 - pair.p, dots, "votes, from the left medium to the right one"), orders_text(pair));
  out += format("<span class=\"right\">{}</span><span class=\"p\"><b>{}</b>{}</span></summary><div class=\"orders\">{}{}</div></details>\n",
                chip(view, pair.right), percent_html(pair.p), verdict_flag(pair), column(view, pair, true), column(view, pair, false));
  return out;
}

}  // namespace

std::string matrix_html(const View& view) {
  if (view.judged.pairs.empty() || view.judged.media.size() < 3) return "";
  const int shown = std::min<int>(kMatrixMedia, static_cast<int>(view.judged.media.size()));
  HeatMap map;
  map.label = "Chance that the medium of the row is preferred to the one of the column";
  for (int i = 0; i < shown; ++i) {
    map.rows.push_back(row_name(view, i, shown));
    map.columns.push_back(std::to_string(view.medium(i).rank));
  }
  for (std::size_t k = 0; k < view.judged.pairs.size(); ++k) {
    const PairVerdict& pair = view.judged.pairs[k];
    const bool flagged = pair.consistent == false;
    const std::string link = format("#{}", place(view, k));
    map.cells.push_back({pair.left, pair.right, pair.p, flagged, cell_title(view, pair, pair.left, pair.right, pair.p), link});
    map.cells.push_back({pair.right, pair.left, 1 - pair.p, flagged, cell_title(view, pair, pair.right, pair.left, 1 - pair.p), link});
  }
  std::string out =
      "<h3 class=\"section\">Who wins against whom</h3>\n<div class=\"matrix\">" + heat_map(map) + "<div class=\"matrix-key\">";
  out += "<p>A cell is the chance, in per cent, that people prefer the row to the column; media stand in order of rank.</p>";
  out +=
      "<p><i class=\"swatch win\"></i> the row wins <i class=\"swatch lose\"></i> the column wins <i class=\"swatch dot\"></i> the two "
      "orders disagree</p>";
  if (static_cast<int>(view.judged.media.size()) > shown)
    out += format("<p>The best {} of {} media are drawn.</p>", shown, view.judged.media.size());
  return out + "<p>A cell leads to its comparison.</p></div></div>\n";
}

std::string pairs_html(const View& view) {
  const Judged& judged = view.judged;
  if (judged.pairs.empty()) return "";
  const bool orders = judged.both_orders.value_or(true);
  std::string out =
      format("<h3 class=\"section\">{}</h3>\n", count_of(static_cast<long long>(judged.pairs.size()), "comparison", "comparisons"));
  out += format(
      "<p class=\"hint\">The better ranked one stands on the left; the percentage is its chance. A dot is a vote{}.</p>\n<div "
      "class=\"pairs\">\n",
      orders ? ": filled where the left one was shown first, hollow where it was shown second" : "");
  for (std::size_t k = 0; k < judged.pairs.size(); ++k) out += one_pair(view, k);
  return out + "</div>\n";
}

std::string list_votes_html(const View& view) {
  const Judged& judged = view.judged;
  if (judged.list_votes.empty()) return "";
  HeatMap map;
  map.label = "Probability of being the best, by vote";
  map.around_half = false;
  for (std::size_t i = 0; i < judged.media.size(); ++i) map.columns.push_back(std::to_string(judged.media[i].rank));
  std::string cards;
  for (std::size_t k = 0; k < judged.list_votes.size(); ++k) {
    const ListVote& vote = judged.list_votes[k];
    map.rows.push_back(format("vote {}", k + 1));
    for (std::size_t i = 0; i < vote.p.size(); ++i)
      if (std::isfinite(vote.p[i]))
        map.cells.push_back({static_cast<int>(k), static_cast<int>(i), vote.p[i], false,
                             format("vote {}: {} for {}", k + 1, percent(vote.p[i]), judged.media[i].label), ""});
    cards += format("<details class=\"pair\"><summary><span>Vote {}</span><span>{}</span></summary>", k + 1,
                    !vote.parsed      ? "not readable"
                    : vote.choice < 0 ? "no single best"
                                      : chip(view, vote.choice));
    cards += (vote.parsed ? thought_html(view, vote.reason) : unread_html(vote.problem, vote.completion)) + "</details>\n";
  }
  return format(
      "<h3 class=\"section\">The votes</h3>\n<div class=\"matrix\">{}<div class=\"matrix-key\"><p>Each row is a vote on all media at once; "
      "the number "
      "is the chance, in per cent, that the medium of that rank is the best.</p></div></div>\n<div class=\"pairs votes\">{}</div>\n",
      heat_map(map), cards);
}

}  // namespace beholder::report
