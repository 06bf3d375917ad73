#include "eval/result.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "eval/leaderboard.h"
#include "eval/scores_file.h"

namespace beholder::eval {
namespace {

// Records "0" … "n-1", each a prompt of its own; the first medium is the better one. Right where `right` says so.
void keep(const std::string& folder, const std::string& protocol, const std::string& dataset, const std::vector<bool>& right) {
  std::vector<data::Record> records;
  for (std::size_t i = 0; i < right.size(); ++i) {
    data::Record record;
    record.id = std::to_string(i);
    record.prompt = "prompt " + record.id;
    record.media.resize(2);
    record.target = {.kind = data::Target::Kind::kPair, .q = 1, .votes = 0, .ranking = {}};
    records.push_back(record);
  }
  const JudgedSet set =
      join(records, [&](const data::Record& r) { return verdict_of_scores({right[std::stoul(r.id)] ? 1.0 : 0.0, 0.5}, 0); });
  const Protocol& p = find_protocol(protocol);
  const Outcome outcome = evaluate(set, p);
  ResultContext context;
  context.dataset = dataset;
  context.judge = folder.substr(folder.rfind('/') + 1);
  write_file_atomic(folder + "/result.json", result_json(records, set, p, outcome, context).dump());
  write_file_atomic(folder + "/rows.jsonl", rows_jsonl(set, outcome));
}

std::vector<bool> pattern(std::size_t n, std::size_t wrong_every) {
  std::vector<bool> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(i % wrong_every != 0);
  return out;
}

TEST(PairedResults, TheSameErrorsCancel) {
  const TempDir dir;
  std::vector<bool> a = pattern(300, 3), b = a;
  for (const std::size_t i : {0, 3, 6, 9, 12, 15, 18, 21}) b[i] = true;
  keep(dir / "a", "imagereward", "D", a);
  keep(dir / "b", "imagereward", "D", b);
  const Json c = compare_results(dir / "a", dir / "b");
  EXPECT_NEAR(c.at("difference").get<double>(), 8.0 / 300, 1e-12);
  const double width = c["interval"][1].get<double>() - c["interval"][0].get<double>();
  EXPECT_NEAR(width, 2 * 1.96 * std::sqrt(8.0 / 300 * (1 - 8.0 / 300) / 300), 0.006)
      << "of the 8 that differ, not of the 100 that are wrong";
  EXPECT_GT(c["interval"][0].get<double>(), 0);
  EXPECT_GT(c["better_in"].get<double>(), 0.99);
  EXPECT_NEAR(compare_results(dir / "b", dir / "a").at("difference").get<double>(), -8.0 / 300, 1e-12);
  EXPECT_EQ(compare_results(dir / "a", dir / "a").at("better_in"), 0.5);
}

// Two judges on the same prompts, hard ones being hard for both; B is right 4 points more often. `eval compare` itself, files and all.
TEST(PairedResults, TheIntervalOfTheDifferenceCoversTheTruth) {
  constexpr int kRuns = 500, kPrompts = 100;
  const TempDir dir;
  for (const char* judge : {"a", "b"})
    write_file_atomic(
        dir / judge + "/result.json",
        Json{{"protocol", "imagereward"}, {"dataset", "D"}, {"judge", judge}, {"higher_is_better", true}, {"interval", {0, 1}}}.dump());
  int covered = 0;
  for (int run = 0; run < kRuns; ++run) {
    Rng rng(static_cast<std::uint64_t>(run), stable_hash("paired coverage"));
    std::string a, b;
    for (int prompt = 0; prompt < kPrompts; ++prompt) {
      const double skill = rng.uniform(0.3, 0.9);
      const int n = 1 + static_cast<int>(rng.below(6));
      int right_a = 0, right_b = 0;
      for (int k = 0; k < n; ++k) {
        const double luck = rng.uniform(0, 1);
        right_a += luck < skill;
        right_b += rng.chance(0.5) ? luck < skill + 0.04 : rng.chance(skill + 0.04);  // half of what they see is the same
      }
      a += format("{{\"prompt\":\"{}\",\"value\":[{},{}]}}\n", prompt, right_a, n);
      b += format("{{\"prompt\":\"{}\",\"value\":[{},{}]}}\n", prompt, right_b, n);
    }
    std::ofstream(dir / "a/rows.jsonl", std::ios::binary) << a;  // no waiting for the disk a thousand times
    std::ofstream(dir / "b/rows.jsonl", std::ios::binary) << b;
    const Json c = compare_results(dir / "a", dir / "b");
    covered += c.at("interval").at(0).get<double>() <= 0.04 && 0.04 <= c["interval"].at(1).get<double>();
  }
  EXPECT_GE(covered, 0.93 * kRuns);
  EXPECT_LE(covered, 0.97 * kRuns);
}

TEST(PairedResults, RefusesWhatCannotBeCompared) {
  const TempDir dir;
  keep(dir / "a", "imagereward", "D", pattern(9, 3));
  keep(dir / "other_protocol", "hpdv3", "D", pattern(9, 3));
  keep(dir / "other_data", "imagereward", "E", pattern(9, 3));
  keep(dir / "other_prompts", "imagereward", "D", pattern(8, 3));
  for (const char* other : {"other_protocol", "other_data", "other_prompts"})
    EXPECT_THROW(compare_results(dir / "a", dir / other), Error) << other;
  EXPECT_THROW(compare_results(dir / "a", dir / "nowhere"), Error);
}

TEST(Leaderboard, NeverMixesProtocols) {
  const TempDir dir;
  keep(dir / "ours", "imagereward", "ImageReward test", pattern(60, 3));
  keep(dir / "macro", "imagereward-macro", "ImageReward test", pattern(60, 3));
  const auto published = published_numbers();
  EXPECT_THROW(leaderboard({dir / "ours", dir / "macro"}, published, false), Error);
  const Json board = leaderboard({dir / "ours"}, published, false);
  ASSERT_EQ(board.at("tables").size(), 1u);
  bool ours = false;
  for (const Json& e : board["tables"][0]["entries"]) {
    ours = ours || e.at("kind") == "ours";
    EXPECT_NE(e.at("name"), "HPSv2") << "measured with the macro average";
  }
  EXPECT_TRUE(ours);
  bool apart = false;
  for (const Json& t : board["other_protocols"]) apart = apart || t.at("protocol") == "imagereward-macro";
  EXPECT_TRUE(apart);
  EXPECT_EQ(leaderboard({dir / "ours", dir / "macro"}, published, true).at("tables").size(), 2u);
}

// What a source does not say keeps its numbers away from ours, and judges whose ties were dropped stand by themselves.
TEST(Leaderboard, NumbersOfUnknownSplitsOrOtherRulesHaveNamesOfTheirOwn) {
  std::map<std::string, double> values;
  for (const PublishedNumber& p : published_numbers()) {
    const std::string place = format("{} | {} | {}", p.dataset, p.protocol, p.name);
    EXPECT_TRUE(values.emplace(place + " | " + p.source, p.value).second) << place << " stands there twice";
    const bool genai = p.dataset.starts_with("GenAI-Bench");
    EXPECT_TRUE(!genai || p.dataset.ends_with("split not stated") || p.dataset.ends_with("test_v1")) << place;
    const bool drops_ties = p.source.find("2412.21059") != std::string::npos && (p.name == "GPT-4o" || p.name == "Gemini 1.5");
    EXPECT_FALSE(drops_ties && p.protocol == "diff") << place;
  }
  const auto find = [&](const std::string& place) {
    const auto found = values.lower_bound(place);
    return found != values.end() && found->first.starts_with(place) ? found->second : -1;
  };
  for (const auto& [place, value] : {std::pair("HPDv2 test | not stated | HPSv3", 0.854),
                                     {"HPDv2 test | not stated | UnifiedReward", 0.831},
                                     {"HPDv2 test | not stated | DiNa-LRM (SD3.5-M), highest", 0.843},
                                     {"Pick-a-Pic test_unique, version not stated | not stated | HPSv3", 0.728},
                                     {"ImageReward test | not stated | DiNa-LRM (SD3.5-M), lowest", 0.603},
                                     {"HPDv3 test | hpdv3 | DiNa-LRM", 0.75},
                                     {"HPDv3 test | hpdv3 | HPSv3 (measured again)", 0.7603},
                                     {"GenAI-Bench video, split not stated | tau | VisionReward", 0.518},
                                     {"GenAI-Bench video, split not stated | diff | PickScore", 0.754},
                                     {"GenAI-Bench video, split not stated | tau, which sweep is not stated | UnifiedReward", 0.607},
                                     {"GenAI-Bench video test_v1 | genai-bench-4way/test_v1 | GPT-4o", 0.485},
                                     {"MonetBench image | diff without predicted ties | Gemini 1.5", 0.551}})
    EXPECT_NEAR(find(place), value, 1e-12) << place;
}

TEST(Leaderboard, EveryPublishedNumberHasASourceAndAPlausibleShare) {
  const auto published = published_numbers();
  EXPECT_GT(published.size(), 100u);
  for (const PublishedNumber& p : published) {
    EXPECT_FALSE(p.source.empty() || p.protocol.empty() || p.dataset.empty()) << p.name;
    EXPECT_TRUE(p.value > 0.2 && p.value < 0.95) << p.name;
  }
  EXPECT_THROW(parse_published("[[source]]\ndataset = \"D\"\nprotocol = \"p\"\n", "x"), Error) << "no source";
  EXPECT_THROW(parse_published("[[source]]\ndataset = \"D\"\nprotocol = \"p\"\nsource = \"s\"\nmodels = { a = 165 }\n", "x"), Error);
  EXPECT_THROW(parse_published("what", "x"), Error);
}

TEST(ScoresFile, AMediumALineAsChecklistsScoreThem) {
  const TempDir dir;
  write_file_atomic(
      dir / "s.jsonl",
      "{\"id\":\"a#x#2\",\"score\":3}\n{\"id\":\"a#x#1\",\"score\":1.5}\n{\"id\":\"b\",\"score\":1}\n{\"id\":\"b#0\",\"score\":1}\n"
      "{\"id\":\"c#1\",\"score\":2}\n");
  const ScoresFile file = read_scores(dir / "s.jsonl");
  EXPECT_EQ(file.bad_lines, 2) << "no medium is named";
  data::Record record;
  record.id = "a#x";
  record.media.resize(2);
  EXPECT_EQ(verdict_of(file, record, 0).pairs.at(0).margin, -1.5);
  record.id = "c";
  EXPECT_EQ(verdict_of(file, record, 0).pairs.at(0).reading, Reading::kUnparsed) << "the second was not scored";
  record.media.resize(1);
  record.id = "a#x";
  EXPECT_THROW(verdict_of(file, record, 0), Error) << "two scores for one medium";
  write_file_atomic(dir / "twice.jsonl", "{\"id\":\"a#1\",\"score\":1}\n{\"id\":\"a#1\",\"score\":2}\n");
  EXPECT_THROW(read_scores(dir / "twice.jsonl"), Error);
}

TEST(ScoresFile, BadLinesAreCountedAndOthersKept) {
  const TempDir dir;
  write_file_atomic(
      dir / "s.jsonl",
      "{\"id\":\"a\",\"scores\":[1,null]}\nnonsense\n{\"id\":7,\"scores\":[0.5,2]}\n{\"id\":\"c\"}\n{\"id\":\"d\",\"scores\":[\"x\"]}\n");
  const ScoresFile file = read_scores(dir / "s.jsonl");
  EXPECT_EQ(file.scores.size(), 2u);
  EXPECT_EQ(file.bad_lines, 3);
  EXPECT_FALSE(file.scores.at("a")[1].has_value());
  EXPECT_EQ(file.scores.at("7")[1], 2);
  data::Record record;
  record.id = "a";
  record.media.resize(3);
  EXPECT_THROW(verdict_of(file, record, 0), Error) << "two scores for three media";
  write_file_atomic(dir / "votes.jsonl",
                    "{\"id\":\"a\",\"vote_type\":\"rightvote\"}\n{\"id\":\"b\",\"vote_type\":\"bothbad_vote\",\"scores\":[3,3]}\n"
                    "{\"id\":\"c\",\"vote_type\":\"same\"}\n");
  const ScoresFile votes = read_scores(dir / "votes.jsonl");
  EXPECT_EQ(votes.bad_lines, 1);
  EXPECT_THROW(verdict_of(votes, record, 0), Error) << "a vote is about two";
  record.media.resize(2);
  EXPECT_EQ(verdict_of(votes, record, 0).pairs.at(0).four_way, FourWay::kSecond);
  EXPECT_EQ(verdict_of(votes, record, 0).pairs[0].margin, -1);
  write_file_atomic(dir / "twice.jsonl", "{\"id\":\"a\",\"scores\":[1]}\n{\"id\":\"a\",\"scores\":[2]}\n");
  EXPECT_THROW(read_scores(dir / "twice.jsonl"), Error);
  write_file_atomic(dir / "empty.jsonl", "\n");
  EXPECT_THROW(read_scores(dir / "empty.jsonl"), Error);
}

}  // namespace
}  // namespace beholder::eval
