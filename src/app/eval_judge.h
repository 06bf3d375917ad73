// Judging the pairs of labelled records with a model, into a folder that a stopped run continues:
//   pairs.jsonl     what the judge is asked: one pair a line, without labels
//   settings.json   what the verdicts depend on; a folder of other settings is not mixed with
//   verdicts.jsonl  one comparison a line, as `beholder compare` writes them
//   verdicts-i-of-n.jsonl  those that a shard found
//   heard.jsonl     with a listener: {"id","heard"}, its probability of the first medium after the thoughts
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "app/judge_batch.h"
#include "data/record.h"
#include "eval/judged.h"
#include "eval/vote_curve.h"

namespace beholder::app {

struct EvalJudging {
  JudgeRunFlags flags;  // model, device, media limits; resume
  judge::JudgeOptions options;
  std::string folder;
  std::string listener;  // checkpoint; empty: none
};

// The line of a pair in pairs.jsonl: "id" of a pair record, "id#i-j" (1-based) of a ranking's.
std::string pair_key(const data::Record& record, int first, int second);

// Asks what has not been answered yet. kUsage for a folder that holds an evaluation already and no `resume`, or one of other settings;
// kInterrupted says how to go on. With `flags.shard` only that part is asked; without, what shards have found is taken first.
void judge_records(const EvalJudging& judging, const std::vector<data::Record>& records);

// What stands in a judged folder.
class EvalVerdicts {
 public:
  explicit EvalVerdicts(const EvalJudging& judging);

  // Rankings get Bradley-Terry strengths as scores. A pair without a verdict is kMissing.
  eval::RecordVerdict of(const data::Record& record) const;
  // {"prompt_tokens","completion_tokens","seconds","answers","mean_completion_tokens"}
  Json cost() const;
  // Accuracy against tokens of fewer votes and one order (eval/vote_curve.h); empty where there was one vote in one order.
  Json cost_curve(const std::vector<data::Record>& records, const eval::JudgedSet& set) const;
  // The clearest thought for the medium that the verdict prefers, with the names of the media it numbers; null where there is none.
  Json reason(const std::string& key) const;

 private:
  void take(const Json& line, const std::string& where);
  const EvalJudging& judging_;
  std::unordered_map<std::string, eval::PairVerdict> pairs_;
  std::unordered_map<std::string, decltype(eval::PairVotes::p)> votes_;
  std::unordered_map<std::string, Json> reasons_;
  std::int64_t prompt_tokens_ = 0, completion_tokens_ = 0, answers_ = 0;
  double seconds_ = 0;
};

}  // namespace beholder::app
