#include "eval/protocol.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "eval/breakdown.h"
#include "eval/metric_table.h"
#include "eval/testing.h"

namespace beholder::eval {
namespace {

double value(const JudgedSet& set, const char* protocol, std::optional<double> threshold = {}) {
  return evaluate(set, find_protocol(protocol), {threshold}).value();
}

TEST(ProtocolOracle, EveryProtocolIsThePlainLoopOfItsDefinition) {
  const Json golden = read_json(BEHOLDER_SOURCE_DIR "/tests/data/eval/protocols.json");
  std::vector<data::Record> records;
  std::map<std::string, Scores> scores;
  for (const Json& r : golden.at("records")) {
    records.push_back(ranked(r.at("id").get<std::string>(), r.at("ranking").get<std::vector<int>>()));
    if (r.at("scores").is_null()) continue;
    for (const Json& s : r["scores"]) scores[records.back().id].push_back(s.is_null() ? std::nullopt : std::optional(s.get<double>()));
  }
  const JudgedSet set = judged(records, scores, 1);
  std::size_t checked = 0;
  for (const auto& [name, expected] : golden.at("values").items()) {
    const bool fixed = name == "pickapic-tie at 0.6";
    EXPECT_NEAR(value(set, fixed ? "pickapic-tie" : name.c_str(), fixed ? std::optional(0.6) : std::nullopt), expected.get<double>(), 1e-12)
        << name;
    ++checked;
  }
  EXPECT_EQ(checked + 3, protocols().size()) << "one split of genai-bench's, not the four-way ones, and one with a threshold";
  const Outcome outcome = evaluate(set, find_protocol("tau"));
  EXPECT_EQ(outcome.n, golden["counts"]["pairs"].get<std::int64_t>());
  EXPECT_EQ(outcome.label_ties, golden["counts"]["label_ties"].get<std::int64_t>());
  EXPECT_EQ(outcome.unparsed + outcome.missing, golden["counts"]["unread"].get<std::int64_t>());
  EXPECT_EQ(evaluate(set, find_protocol("imagereward")).predicted_ties, golden["counts"]["predicted_ties"].get<std::int64_t>());
}

// The sizes of the official test file: so many prompts with so many images; 831 of the pairs are tied.
TEST(Protocol, OfficialImageRewardArithmetic) {
  std::vector<data::Record> records;
  std::map<std::string, Scores> scores;
  int ties = 831, wrong = 2000;
  for (const auto& [images, prompts] : {std::pair(4, 194), {5, 2}, {6, 45}, {7, 159}, {8, 43}, {9, 23}})
    for (int i = 0; i < prompts; ++i) {
      std::vector<int> ranking;
      for (int k = 0; k < images; ++k) ranking.push_back(k + 1);
      for (int k = 1; k < images && ties > 0; k += 2, --ties)
        ranking[static_cast<std::size_t>(k)] = ranking[static_cast<std::size_t>(k - 1)];
      records.push_back(ranked(std::to_string(records.size()), ranking));
      for (int k = 0; k < images; ++k) scores[records.back().id].emplace_back(wrong > 0 ? k : -k);
      wrong -= images * (images - 1) / 2;
    }
  const JudgedSet set = judged(records, scores);
  const Outcome outcome = evaluate(set, find_protocol("imagereward"));
  EXPECT_EQ(set.records.size(), 466u);
  EXPECT_EQ(set.pairs.size(), 7230u);
  EXPECT_EQ(outcome.n, 6399);
  EXPECT_EQ(outcome.label_ties, 831);
  EXPECT_EQ(evaluate(set, find_protocol("imagereward-macro")).n, 466);
}

// A big prompt all wrong, a small one all right.
TEST(Protocol, PooledMacroAndInversionsDiffer) {
  const JudgedSet set =
      judged({ranked("big", {1, 2, 3, 3}), ranked("small", {1, 2})}, {{"big", {{1}, {2}, {3}, {4}}}, {"small", {{2}, {1}}}});
  EXPECT_NEAR(value(set, "imagereward"), 1.0 / 6, 1e-15);
  EXPECT_NEAR(value(set, "imagereward-macro"), 0.5, 1e-15);
  EXPECT_NEAR(value(set, "hpdv2"), (1.0 / 6 + 1) / 2, 1e-15) << "the tied pair is no inversion";
}

TEST(Protocol, PredictedTies) {
  const JudgedSet set = judged({ranked("a", {2, 1})}, {{"a", {{1}, {1}}}});
  EXPECT_EQ(value(set, "imagereward"), 0);
  EXPECT_EQ(value(set, "hpdv2"), 0) << "argsort leaves the first in front";
  EXPECT_EQ(value(set, "hpdv2-mps"), 1);
  EXPECT_EQ(value(set, "pickapic"), 0);
  EXPECT_EQ(value(set, "pickapic-tie", 0.1), 0.5);
  EXPECT_EQ(evaluate(set, find_protocol("imagereward")).predicted_ties, 1);
}

TEST(Protocol, UnreadAndMissingStayInTheDenominator) {
  std::vector<data::Record> records{ranked("right", {1, 2}), ranked("unread", {1, 2}), ranked("missing", {1, 2})};
  const JudgedSet set = judged(records, {{"right", {{1}, {0}}}, {"unread", {{1}, {}}}}, 1);
  for (const Protocol& protocol : protocols()) {
    if (protocol.name.starts_with("genai-bench-4way")) continue;
    const Outcome outcome = evaluate(set, protocol);
    // votes: (1 - sigmoid(1))^2 and twice 1/4; tau-videoalign makes a tie of the only readable pair.
    const double expected = protocol.name == "votes"            ? (0.5 + std::pow(1 / (1 + std::exp(1)), 2)) / 3
                            : protocol.name == "mmrb2-parsed"   ? 1
                            : protocol.name == "tau-videoalign" ? 0
                                                                : 1.0 / 3;
    EXPECT_NEAR(outcome.value(), expected, 1e-12) << protocol.name;
    EXPECT_EQ(outcome.unparsed, protocol.unit == "judgements" ? 2 : 1) << protocol.name;
    EXPECT_EQ(outcome.missing, protocol.unit == "judgements" ? 2 : 1) << protocol.name;
  }
}

// GenAI-Bench's four answers: a tie of good media is not one of bad media.
TEST(Protocol, FourWayTellsGoodTiesFromBadOnes) {
  const auto record = [](const std::string& id, double q, const char* vote) {
    data::Record out = voted(id, q);
    out.meta = {{"vote_type", vote}};
    return out;
  };
  const std::vector<data::Record> records{record("left", 1, "leftvote"),   record("right", 0, "rightvote"),
                                          record("good", 0.5, "tievote"),  record("bad", 0.5, "bothbad_vote"),
                                          record("unread", 1, "leftvote"), record("missing", 1, "leftvote")};
  const std::map<std::string, FourWay> votes{
      {"left", FourWay::kFirst}, {"right", FourWay::kFirst}, {"good", FourWay::kBothBad}, {"bad", FourWay::kBothBad}};
  const JudgedSet set = join(records, [&](const data::Record& r) {
    if (r.id == "missing") return RecordVerdict{};
    const auto vote = votes.find(r.id);
    RecordVerdict out = verdict_of_scores({vote == votes.end() ? std::nullopt : std::optional(1.0), 0}, 0);
    if (vote != votes.end()) out.pairs[0].four_way = vote->second;
    return out;
  });
  for (const char* split : {"genai-bench-4way/test_v1", "genai-bench-4way/test"}) {
    const Outcome outcome = evaluate(set, find_protocol(split));
    EXPECT_NEAR(outcome.value(), 2.0 / 6, 1e-15);
    EXPECT_EQ(outcome.predicted_ties, 2);
    EXPECT_EQ(outcome.label_ties, 2);
    EXPECT_EQ(outcome.unparsed, 1);
    EXPECT_EQ(outcome.missing, 1);
  }
  EXPECT_THROW(value(judged({voted("a", 0.5)}, {{"a", {{1}, {0}}}}), "genai-bench-4way/test"), Error) << "which tie is not known";
  EXPECT_THROW(value(judged({record("a", 0.5, "tievote")}, {{"a", {{1}, {0}}}}), "genai-bench-4way/test"), Error) << "two scores";
  EXPECT_FALSE(parse_four_way("same"));
}

TEST(Protocol, VideoScoreCallsScoresCloserThanHalfATie) {
  const JudgedSet set =
      judged({voted("near", 0.5), voted("far", 0.5), voted("edge", 0.5), voted("right", 1), voted("wrong", 0)},
             {{"near", {{2.75}, {2.5}}}, {"far", {{1}, {2}}}, {"edge", {{1}, {1.5}}}, {"right", {{1.25}, {1}}}, {"wrong", {{2}, {1}}}});
  EXPECT_NEAR(value(set, "genai-bench-videoscore/test_v1"), 2.0 / 5, 1e-15);
  EXPECT_NEAR(value(set, "genai-bench/test_v1"), 1.0 / 5, 1e-15);
}

TEST(Protocol, TwoOrdersCountByThemselves) {
  PairVerdict leaning{.reading = Reading::kRead, .margin = 0.1, .p = 0.55, .p_shown_first = 0.8, .p_shown_second = 0.3, .heard = {}};
  PairVerdict half{
      .reading = Reading::kRead, .margin = 0.8, .p = 0.9, .p_shown_first = 0.9, .p_shown_second = {}, .unread_orders = 1, .heard = {}};
  const JudgedSet set =
      join({voted("a", 1), voted("b", 1)}, [&](const data::Record& r) { return RecordVerdict{{r.id == "a" ? leaning : half}, {}}; });
  EXPECT_EQ(value(set, "mmrb2"), 0.5);
  EXPECT_NEAR(value(set, "mmrb2-parsed"), 2.0 / 3, 1e-15);
  EXPECT_EQ(evaluate(set, find_protocol("mmrb2")).unparsed, 1);
  const Json parts = breakdown(set);
  EXPECT_EQ(parts.at("position").at("consistency").at("value"), 0);
  EXPECT_NEAR(parts["position"]["first_lean"]["value"].get<double>(), 0.75, 1e-15);
}

// A judge that says 0.7 where seven of ten agree is calibrated, although its choice is the majority's every time.
TEST(Protocol, CalibrationIsHeldAgainstTheSharesOfVotes) {
  const auto says = [](double p) {
    PairVerdict pair;
    pair.reading = Reading::kRead;
    pair.margin = 2 * p - 1;
    pair.p = p;
    return [pair](const data::Record&) { return RecordVerdict{{pair}, {}}; };
  };
  const std::vector<data::Record> records = {voted("a", 0.7, 10), voted("b", 0.7, 10)};
  EXPECT_NEAR(breakdown(join(records, says(0.7))).at("calibration").at("ece").get<double>(), 0, 1e-12);
  EXPECT_NEAR(breakdown(join(records, says(0.2))).at("calibration").at("ece").get<double>(), 0.5, 1e-12);
  EXPECT_NEAR(breakdown(join({voted("a", 1)}, says(0.7))).at("calibration").at("ece").get<double>(), 0.3, 1e-12);
}

TEST(Protocol, ScoresHaveNoProbabilityWithoutAScale) {
  const JudgedSet set = judged({voted("a", 0.7, 10)}, {{"a", {{1}, {0}}}});
  EXPECT_THROW(value(set, "votes"), Error);
  EXPECT_FALSE(breakdown(set).contains("calibration"));
  EXPECT_THROW(find_protocol("imagerewards"), Error);
}

TEST(Protocol, PairsOfOnePromptAreOneUnitOfTheMacroAverageAndOfTheBootstrap) {
  const JudgedSet set =
      judged({voted("a", 1), voted("b", 0), ranked("c", {1, 2})}, {{"a", {{1}, {0}}}, {"b", {{1}, {0}}}, {"c", {{1}, {0}}}});
  EXPECT_EQ(set.prompts.size(), 2u);
  EXPECT_NEAR(value(set, "imagereward"), 2.0 / 3, 1e-15);
  EXPECT_NEAR(value(set, "imagereward-macro"), 0.75, 1e-15);
  EXPECT_THROW(judged({voted("a", 1), voted("a", 0)}, {}), Error) << "two records of one id";
}

// Prompts differ in how hard they are, and the pairs of a prompt share it.
TEST(Protocol, BootstrapOverPromptsCoversTheTruth) {
  constexpr int kRuns = 600, kPrompts = 120;
  int covered = 0;
  for (int run = 0; run < kRuns; ++run) {
    Rng rng(static_cast<std::uint64_t>(run), stable_hash("coverage"));
    std::vector<std::vector<Ratio>> rows;
    for (int i = 0; i < kPrompts; ++i) {
      const double skill = rng.uniform(0.4, 0.9);
      Ratio row;
      for (int k = 0; k < 6; ++k) row.sum += rng.chance(skill), ++row.n;
      rows.push_back({row});
    }
    const auto interval = bootstrap(
        rows, [](const std::vector<Ratio>& sums) { return std::vector<double>{sums[0].value()}; }, static_cast<std::uint64_t>(run), 400);
    covered += interval[0]->low <= 0.65 && 0.65 <= interval[0]->high;
  }
  EXPECT_GE(covered, 0.93 * kRuns);
  EXPECT_LE(covered, 0.97 * kRuns);
}

// The same of a mean over prompts, where a prompt of many media is harder: the pooled value would be another one.
TEST(Protocol, BootstrapCoversTheTruthOfAMeanOverPrompts) {
  constexpr int kRuns = 600, kPrompts = 100;
  const double truth = (0.85 + 0.75 + 0.55) / 3;
  int covered = 0;
  double pooled = 0;
  for (int run = 0; run < kRuns; ++run) {
    Rng rng(static_cast<std::uint64_t>(run), stable_hash("macro coverage"));
    std::vector<data::Record> records;
    std::map<std::string, PairVerdict> verdicts;
    for (int prompt = 0; prompt < kPrompts; ++prompt) {
      const auto kind = rng.below(3);
      const double skill = (kind == 0 ? 0.85 : kind == 1 ? 0.75 : 0.55) + rng.uniform(-0.1, 0.1);
      const int pairs = kind == 0 ? 1 : kind == 1 ? 3 : 8;
      for (int k = 0; k < pairs; ++k) {
        records.push_back(voted(format("{}-{}", prompt, k), 1));
        records.back().prompt = std::to_string(prompt);
        PairVerdict& verdict = verdicts[records.back().id];
        verdict.reading = Reading::kRead;
        verdict.margin = rng.chance(skill) ? 1 : -1;
      }
    }
    const JudgedSet set = join(records, [&](const data::Record& r) { return RecordVerdict{{verdicts.at(r.id)}, {}}; });
    MetricTable table(set.prompts.size());
    table.add_rows("value", evaluate(set, find_protocol("imagereward-macro")).rows);
    const Json interval = metric_named(table.with_intervals(), "value").at("interval");
    covered += interval.at(0).get<double>() <= truth && truth <= interval.at(1).get<double>();
    pooled += value(set, "imagereward") / kRuns;
  }
  EXPECT_GE(covered, 0.93 * kRuns);
  EXPECT_LE(covered, 0.97 * kRuns);
  EXPECT_NEAR(pooled, (0.85 + 3 * 0.75 + 8 * 0.55) / 12, 0.01) << "and not " << truth;
}

}  // namespace
}  // namespace beholder::eval
