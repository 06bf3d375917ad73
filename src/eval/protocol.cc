#include "eval/protocol.h"

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/error.h"
#include "core/format.h"
#include "core/tie_calibration.h"
#include "eval/calibration.h"

namespace beholder::eval {
namespace {

// What one pair earns: `sum` of `n`; n = 0: it does not count.
struct Credit {
  double sum = 0, n = 1;
  bool tie = false;  // the judge called it a tie
};
constexpr Credit kLeftOut{0, 0, false};

bool right(const JudgedPair& pair) {
  return pair.label() * pair.verdict.margin > 0;
}

// Label ties are skipped, a predicted tie is wrong.
Credit strict(const JudgedPair& pair) {
  if (pair.label() == 0) return kLeftOut;
  return {right(pair) ? 1.0 : 0.0, 1, pair.verdict.margin == 0};
}

Credit half_for_ties(const JudgedPair& pair) {
  const double m = pair.verdict.margin;
  return {m > 0 ? pair.q : m < 0 ? 1 - pair.q : 0, 1, m == 0};
}

// Not an inversion: label ties are right. `argsort`: equal scores stand in the order of the media; else they are no inversion.
Credit no_inversion(const JudgedPair& pair, bool argsort) {
  const double m = pair.score_margin.value_or(pair.verdict.margin);
  const int said = m > 0 || (m == 0 && argsort) ? 1 : m < 0 ? -1 : 0;
  return {said * pair.label() < 0 ? 0.0 : 1.0, 1, m == 0};
}

Credit ties_are_wrong(const JudgedPair& pair) {
  return {right(pair) ? 1.0 : 0.0, 1, pair.verdict.margin == 0};
}

constexpr double kVideoScoreTie = 0.5;  // on the judge's own scale

// VideoScore's: a label tie asks for scores that lie close, anything else for the right side.
Credit videoscore(const JudgedPair& pair) {
  const bool close = std::abs(pair.verdict.margin) < kVideoScoreTie;
  return {(pair.label() == 0 ? close : right(pair)) ? 1.0 : 0.0, 1, close};
}

// The same of the four answers.
Credit four_way(const JudgedPair& pair) {
  const auto said = pair.verdict.four_way;
  return {said == pair.four_way ? 1.0 : 0.0, 1, said == FourWay::kBothGood || said == FourWay::kBothBad};
}

// Each order by itself; a judge with scores says the same in both.
Credit each_order(const JudgedPair& pair, bool parsed_only) {
  if (pair.label() == 0) return kLeftOut;
  Credit out{0, 0, false};
  const bool orders = pair.verdict.p_shown_first || pair.verdict.p_shown_second;
  for (const std::optional<double>& p : {pair.verdict.p_shown_first, pair.verdict.p_shown_second}) {
    if (orders && !p) {
      out.n += parsed_only ? 0 : 1;
      continue;
    }
    const double margin = orders ? 2 * *p - 1 : pair.verdict.margin;
    out.sum += pair.label() * margin > 0 ? 1 : 0;
    out.tie = out.tie || margin == 0;
    ++out.n;
  }
  return out;
}

Credit against_votes(const JudgedPair& pair) {
  return {brier(pair.verdict.p.value_or(0.5), pair.q), 1, pair.verdict.p == 0.5};
}

struct Rule {
  Protocol protocol;
  bool macro = false;                             // mean over units of a unit's mean
  Credit (*credit)(const JudgedPair&) = nullptr;  // null: ties are fitted first
};

const std::vector<Rule>& rules() {
  static const std::string kFourWayRule =
      "the same of leftvote, rightvote, tievote (both good) and bothbad_vote, by a judge that gives one of the four; chance is 1/4; split ";
  static const std::string kVideoScoreRule = "a label tie is right where the scores differ by less than 0.5 (VideoScore's rule); split ";
  static const std::vector<Rule> kRules = {
      {{"imagereward", "pooled over all pairs; label ties skipped, a predicted tie is wrong (ImageReward test.py, MPS, HPSv3)", "pairs"},
       false,
       strict},
      {{"imagereward-macro", "the same rule per prompt, mean over prompts (HPSv2's calc_ImageReward)", "prompts"}, true, strict},
      {{"hpdv2", "per prompt 1 - inversions / pairs of the argsort ranks, mean over prompts; label ties are right (HPSv2)", "prompts"},
       true,
       [](const JudgedPair& pair) { return no_inversion(pair, true); }},
      {{"hpdv2-mps", "as hpdv2, but equal scores are no inversion (MPS)", "prompts"},
       true,
       [](const JudgedPair& pair) { return no_inversion(pair, false); }},
      {{"pickapic", "the label of the side with the higher score, so that a label of 0.5 earns one half (PickScore's clip_task)", "pairs"},
       false,
       half_for_ties},
      {{"pickapic-tie", "three-way: |margin| below a threshold is a tie; right 1, exactly one of the two a tie 1/2 (Pick-a-Pic paper)",
        "pairs"}},
      {{"hpdv3", "the preferred medium scores higher; a predicted tie is wrong", "pairs"}, false, strict},
      {{"tau", "accuracy with ties at the best epsilon, also below the smallest difference (Deutsch et al. 2023)", "pairs"}},
      {{"tau-videoalign", "as tau, with the sweep of VideoAlign's public script, which always calls at least one pair a tie", "pairs"}},
      {{"diff", "label ties dropped, C / (C + D); a predicted tie counts as D", "pairs"}, false, strict},
      {{"genai-bench/test_v1", "label ties (tievote, bothbad_vote) count as wrong; split test_v1 (UnifiedReward's Acc.)", "pairs"},
       false,
       ties_are_wrong},
      {{"genai-bench/test", "label ties (tievote, bothbad_vote) count as wrong; split test (UnifiedReward's Acc.)", "pairs"},
       false,
       ties_are_wrong},
      {{"genai-bench-4way/test_v1", kFourWayRule + "test_v1", "pairs"}, false, four_way},
      {{"genai-bench-4way/test", kFourWayRule + "test", "pairs"}, false, four_way},
      {{"genai-bench-videoscore/test_v1", kVideoScoreRule + "test_v1", "pairs"}, false, videoscore},
      {{"genai-bench-videoscore/test", kVideoScoreRule + "test", "pairs"}, false, videoscore},
      {{"mmrb2", "each order counts by itself; an unreadable answer is wrong", "judgements"},
       false,
       [](const JudgedPair& pair) { return each_order(pair, false); }},
      {{"mmrb2-parsed", "as mmrb2, but unreadable answers leave the denominator, as in the public script", "judgements"},
       false,
       [](const JudgedPair& pair) { return each_order(pair, true); }},
      {{"votes", "Brier score of p against the share of votes (lower is better); no readable answer: p = 1/2", "pairs", false, true},
       false,
       against_votes},
  };
  return kRules;
}

// Ties first, credits from them. Pairs without a readable verdict are not swept.
std::vector<Credit> fitted(const JudgedSet& set, const std::string& name, const ProtocolOptions& options, Outcome& out) {
  std::vector<TiePair> pairs;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < set.pairs.size(); ++i)
    if (set.pairs[i].was_read()) {
      pairs.push_back({set.pairs[i].label(), set.pairs[i].verdict.margin});
      where.push_back(i);
    }
  std::vector<Credit> credits(set.pairs.size());
  if (name == "pickapic-tie") {
    const double t = options.threshold.value_or(best_three_way_threshold(pairs));
    out.chosen.emplace_back("threshold", t);
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      const bool tie = tied_below(pairs[k].margin, t) || pairs[k].margin == 0;
      credits[where[k]] = {three_way_credit(pairs[k].label, pairs[k].margin, tie), 1, tie};
    }
    return credits;
  }
  const TieCalibration fit = name == "tau" ? calibrate_ties(pairs) : calibrate_ties_videoalign(pairs);
  out.chosen.emplace_back("epsilon", fit.epsilon);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const bool good = fit.is_tie[k] ? pairs[k].label == 0 : pairs[k].label * pairs[k].margin > 0;
    credits[where[k]] = {good ? 1.0 : 0.0, 1, fit.is_tie[k]};
  }
  return credits;
}

// A pair that nobody could read earns nothing and counts like any other.
Credit unread(const JudgedPair& pair, const Rule& rule) {
  if (rule.protocol.name == "votes") return against_votes(pair);
  if (rule.protocol.name == "mmrb2-parsed") return kLeftOut;
  return {0, rule.credit ? rule.credit(pair).n : 1, false};
}

// Two numbers do not say whether a tie is one of good or of bad media.
void check_four_way(const JudgedSet& set) {
  for (const JudgedPair& pair : set.pairs) {
    if (!pair.four_way)
      throw Error(Code::kInvalidInput, "genai-bench-4way", "a record does not tell tievote from bothbad_vote",
                  R"(the records of GenAI-Bench do, in "meta": {"vote_type": …}; other data have other protocols)");
    if (pair.was_read() && !pair.verdict.four_way)
      throw Error(Code::kUsage, "genai-bench-4way", "it measures judges that give one of four answers, and two scores are none",
                  R"(give --scores with lines {"id","vote_type"}; scores are measured by genai-bench, tau and diff)");
  }
}

// Pairs, or of protocols that count each order by itself, orders.
std::int64_t unread_units(const JudgedPair& pair, const Rule& rule) {
  if (rule.protocol.unit == "judgements") return pair.label() == 0 ? 0 : pair.was_read() ? pair.verdict.unread_orders : 2;
  return pair.was_read() ? 0 : 1;
}

}  // namespace

double Outcome::value() const {
  Ratio all;
  for (const Ratio& row : rows) all.sum += row.sum, all.n += row.n;
  return all.value();
}

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> kProtocols = [] {
    std::vector<Protocol> out;
    for (const Rule& rule : rules()) out.push_back(rule.protocol);
    return out;
  }();
  return kProtocols;
}

const Protocol& find_protocol(std::string_view name) {
  const Protocol* nearest = nullptr;
  for (const Protocol& p : protocols()) {
    if (p.name == name) return p;
    if (!nearest || edit_distance(p.name, name) < edit_distance(nearest->name, name)) nearest = &p;
  }
  throw Error(Code::kUsage, "--protocol", format("there is no protocol \"{}\"", name),
              format("did you mean {}? see: beholder eval --help", nearest->name));
}

Outcome evaluate(const JudgedSet& set, const Protocol& protocol, const ProtocolOptions& options) {
  const Rule& rule = *std::find_if(rules().begin(), rules().end(), [&](const Rule& r) { return r.protocol.name == protocol.name; });
  Outcome out;
  const auto has_p = [](const JudgedPair& pair) { return !pair.was_read() || pair.verdict.p.has_value(); };
  if (protocol.needs_p && !std::all_of(set.pairs.begin(), set.pairs.end(), has_p))
    throw Error(Code::kUsage, protocol.name, "it measures probabilities, and scores alone have none",
                "say with --score-scale S that p = sigmoid(S (s1 - s2))");
  if (rule.credit == four_way) check_four_way(set);
  std::vector<Credit> credits = rule.credit ? std::vector<Credit>(set.pairs.size()) : fitted(set, protocol.name, options, out);
  std::vector<Ratio> units(set.units);
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    const JudgedPair& pair = set.pairs[i];
    Credit& credit = credits[i];
    if (!pair.was_read())
      credit = unread(pair, rule);
    else if (rule.credit)
      credit = rule.credit(pair);
    out.label_ties += pair.label() == 0;
    const bool counts = credit.n > 0 || rule.protocol.name == "mmrb2-parsed";
    if (counts) (pair.verdict.reading == Reading::kMissing ? out.missing : out.unparsed) += unread_units(pair, rule);
    out.predicted_ties += counts && credit.tie;
    Ratio& unit = units[set.records[pair.record].unit];
    unit.sum += credit.sum;
    unit.n += credit.n;
  }
  out.rows.resize(set.prompts.size());
  std::vector<bool> taken(set.units, false);
  for (const JudgedRecord& record : set.records) {
    if (taken[record.unit] || units[record.unit].n == 0) continue;
    taken[record.unit] = true;
    const Ratio& unit = units[record.unit];
    Ratio& row = out.rows[record.prompt];
    row.sum += rule.macro ? unit.value() : unit.sum;
    row.n += rule.macro ? 1 : unit.n;
  }
  for (const Ratio& row : out.rows) out.n += std::llround(row.n);
  return out;
}

}  // namespace beholder::eval
