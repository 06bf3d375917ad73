#include "app/eval_judge.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "app/compare_job.h"
#include "app/eval_listener.h"
#include "app/eval_shards.h"
#include "app/judge_run.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "judge/bradley_terry.h"
#include "report/record.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

void make_absolute(data::Record& record) {
  for (data::MediaRef& ref : record.media) {
    if (!ref.is_frame_list()) ref.path = fs::absolute(ref.path).string();
    for (std::string& frame : ref.frames) frame = fs::absolute(frame).string();
  }
}

// In one order only, the side that the preferred medium is on must not be the file's.
bool shown_swapped(const EvalJudging& judging, const std::string& key) {
  return !judging.options.both_orders && data::side_order(2, static_cast<std::uint64_t>(judging.options.seed), 0, key)[0] == 1;
}

std::vector<data::Record> pair_records(const EvalJudging& judging, const std::vector<data::Record>& records) {
  std::vector<data::Record> out;
  std::set<std::string> keys;
  for (const data::Record& record : records)
    for (data::Record& pair : data::expand_pairs(record)) {
      if (!keys.insert(pair.id).second)
        throw Error(Code::kInvalidInput, pair.id, "two pairs have this id", "give each record an id of its own");
      pair.target = {};
      pair.completion.clear();
      make_absolute(pair);
      out.push_back(shown_swapped(judging, pair.id) ? data::reorder(pair, {1, 0}) : std::move(pair));
    }
  return out;
}

// All that decides a verdict; the batch size and the device do not.
Json settings_of(const EvalJudging& judging, const std::string& pairs) {
  const judge::JudgeOptions& o = judging.options;
  const JudgeRunFlags& f = judging.flags;
  return {{"model", f.model.empty() ? "embedded judge" : f.model},
          {"dtype", f.dtype},
          {"quantize", f.quantize},
          {"answer", o.answer},
          {"votes", o.votes},
          {"both_orders", o.both_orders},
          {"temperature", o.sampling_temperature()},
          {"tau", o.tau},
          {"max_completion_length", o.max_completion_length},
          {"seed", o.seed},
          {"fps", f.fps},
          {"max_frames", f.max_frames},
          {"max_pixels", f.max_pixels},
          {"pairs_sha256", sha256_hex(pairs)}};
}

void check_settings(const EvalJudging& judging, const Json& settings) {
  const std::string path = judging.folder + "/settings.json";
  if (!fs::exists(path)) return;
  // A shard finds what the others have written; its own verdicts are guarded where they are opened.
  if (!judging.flags.resume && judging.flags.shard.empty())
    throw Error(Code::kUsage, judging.folder, "it holds an evaluation already", "give --resume to continue it, or another --output-dir");
  const Json before = read_json(path);
  for (const auto& [key, value] : settings.items())
    if (!before.contains(key) || before[key] != value)
      throw Error(Code::kUsage, judging.folder,
                  key == "pairs_sha256" ? std::string("it was judged on other records")
                                        : format("it was judged with {} = {}, not {}", key, before.value(key, Json()).dump(), value.dump()),
                  "use the same settings, or another --output-dir");
}

std::set<std::string> judged_keys(const std::string& path) {
  std::set<std::string> keys;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("id") && json["id"].is_string()) keys.insert(json["id"].get<std::string>());
  }
  return keys;
}

double turned(double p, bool swapped) {
  return swapped ? 1 - p : p;
}

}  // namespace

std::string pair_key(const data::Record& record, int first, int second) {
  return record.target.kind == data::Target::Kind::kPair ? record.id : format("{}#{}-{}", record.id, first + 1, second + 1);
}

void judge_records(const EvalJudging& judging, const std::vector<data::Record>& records) {
  const std::vector<data::Record> pairs = pair_records(judging, records);
  if (pairs.empty()) throw Error(Code::kInvalidInput, "records", "none has a label to measure against", R"(give "target")");
  std::string lines;
  for (const data::Record& pair : pairs) lines += json_line(record_to_json(pair)) + "\n";
  const Json settings = settings_of(judging, lines);
  check_settings(judging, settings);
  write_file_atomic(judging.folder + "/pairs.jsonl", lines);
  write_file_atomic(judging.folder + "/settings.json", settings.dump(1) + "\n");
  JudgeRunFlags flags = judging.flags;
  flags.in = judging.folder + "/pairs.jsonl";
  flags.out = judging.folder + "/verdicts.jsonl";
  if (!flags.shard.empty()) {
    flags.out = shard_verdicts(judging.folder, flags.shard);
    run_judge(flags, judging.options, {}, /*json=*/false, compare_job(judging.options));
    return;
  }
  std::vector<std::string> ids;
  for (const data::Record& pair : pairs) ids.push_back(pair.id);
  merge_shards(judging.folder, ids);
  const std::set<std::string> done = judged_keys(flags.out);
  if (!std::all_of(pairs.begin(), pairs.end(), [&](const data::Record& pair) { return done.contains(pair.id); }))
    run_judge(flags, judging.options, {}, /*json=*/false, compare_job(judging.options));
  if (!judging.listener.empty()) hear_verdicts(judging);
}

EvalVerdicts::EvalVerdicts(const EvalJudging& judging) : judging_(judging) {
  const std::string path = judging.folder + "/verdicts.jsonl";
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Code::kNotFound, path, "there are no verdicts", "run the evaluation again");
  std::int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = format("{}:{}", path, ++number);
    take(parse_json(line, where), where);
  }
  if (judging.listener.empty()) return;
  for (const auto& [key, p] : read_heard(judging)) {
    const auto found = pairs_.find(key);
    if (found != pairs_.end()) found->second.heard = turned(p, shown_swapped(judging_, key));
  }
}

void EvalVerdicts::take(const Json& line, const std::string& where) {
  const std::string key = json_get<std::string>(line, "id", "", where);
  const report::Judged judged = report::read_judged(line, where);
  eval::PairVerdict& out = pairs_[key];
  if (judged.kind != report::Judged::Kind::kComparison) return;  // an error: kMissing
  const report::PairVerdict& said = judged.pairs.at(0);
  const bool swapped = shown_swapped(judging_, key);
  const int orders = judging_.options.both_orders ? 2 : 1;
  const int read = (said.p_left_first ? 1 : 0) + (said.p_right_first ? 1 : 0);
  out.reading = read > 0 ? eval::Reading::kRead : eval::Reading::kUnparsed;
  out.unread_orders = orders - read;
  if (read > 0) {
    out.p = turned(said.p, swapped);
    out.margin = 2 * *out.p - 1;
    auto& left = swapped ? out.p_shown_second : out.p_shown_first;
    auto& right = swapped ? out.p_shown_first : out.p_shown_second;
    if (said.p_left_first) left = turned(*said.p_left_first, swapped);
    if (said.p_right_first) right = turned(*said.p_right_first, swapped);
  }
  prompt_tokens_ += judged.prompt_tokens;
  completion_tokens_ += judged.completion_tokens;
  seconds_ += judged.seconds;
  answers_ += std::ssize(said.votes);
  const report::PairVote* best = nullptr;
  for (const report::PairVote& vote : said.votes) {
    const double left = judging_.options.kind() == judge::AnswerKind::kSoft ? vote.p : 0.5 - 0.5 * vote.choice;
    votes_[key][vote.left_first != swapped ? 0 : 1].push_back(vote.parsed ? std::optional(turned(left, swapped)) : std::nullopt);
    const bool with_verdict = vote.parsed && vote.choice != 0 && (vote.choice < 0) == (said.p > 0.5);
    if (with_verdict && (!best || std::abs(vote.p - 0.5) > std::abs(best->p - 0.5))) best = &vote;
  }
  if (!best || out.margin == 0) return;
  Json shown = Json::array();
  for (const int medium : best->reason.shown) shown.push_back(judged.media.at(static_cast<std::size_t>(medium)).path);
  reasons_[key] = {{"thought", best->reason.thought}, {"shown", std::move(shown)}};
}

eval::RecordVerdict EvalVerdicts::of(const data::Record& record) const {
  eval::RecordVerdict out;
  const int k = static_cast<int>(record.media.size());
  std::vector<judge::Outcome> outcomes;
  std::vector<bool> met(record.media.size(), false);
  for (int i = 0; i < k; ++i)
    for (int j = i + 1; j < k; ++j) {
      const auto found = pairs_.find(pair_key(record, i, j));
      out.pairs.push_back(found == pairs_.end() ? eval::PairVerdict{} : found->second);
      if (out.pairs.back().reading != eval::Reading::kRead) continue;
      outcomes.push_back({i, j, *out.pairs.back().p, static_cast<double>(2 - out.pairs.back().unread_orders)});
      met[static_cast<std::size_t>(i)] = met[static_cast<std::size_t>(j)] = true;
    }
  if (record.target.kind == data::Target::Kind::kPair) return out;
  const judge::BradleyTerry fit = judge::fit_bradley_terry(k, outcomes);
  for (std::size_t i = 0; i < met.size(); ++i) out.scores.push_back(met[i] ? std::optional(fit.theta[i]) : std::nullopt);
  return out;
}

Json EvalVerdicts::cost() const {
  return {{"prompt_tokens", prompt_tokens_},
          {"completion_tokens", completion_tokens_},
          {"answers", answers_},
          {"mean_completion_tokens", answers_ > 0 ? Json(static_cast<double>(completion_tokens_) / static_cast<double>(answers_)) : Json()},
          {"seconds", seconds_}};
}

Json EvalVerdicts::cost_curve(const std::vector<data::Record>& records, const eval::JudgedSet& set) const {
  std::vector<eval::PairVotes> pairs;
  double orders = 0;
  for (const eval::JudgedPair& pair : set.pairs) {
    const eval::JudgedRecord& record = set.records[pair.record];
    const auto found = votes_.find(pair_key(records[record.source], pair.first, pair.second));
    if (found == votes_.end()) continue;
    pairs.push_back({.q = pair.q, .prompt = record.prompt, .p = found->second});
    for (const auto& votes : found->second) orders += votes.empty() ? 0 : 1;
  }
  if (pairs.empty() || answers_ == 0) return Json::array();
  const eval::AskingCost cost{.prompt_tokens = static_cast<double>(prompt_tokens_) / orders,
                              .completion_tokens = static_cast<double>(completion_tokens_) / static_cast<double>(answers_)};
  const auto curve = vote_curve(pairs, cost);
  return curve.size() > 1 ? to_json(curve) : Json::array();
}

Json EvalVerdicts::reason(const std::string& key) const {
  const auto found = reasons_.find(key);
  return found == reasons_.end() ? Json() : found->second;
}

}  // namespace beholder::app
