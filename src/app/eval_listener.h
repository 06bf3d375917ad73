// A second model reads what the judge thought about each pair, with the answer cut off, and says which medium it prefers now.
#pragma once

#include <string>
#include <unordered_map>

namespace beholder::app {

struct EvalJudging;

// Hears the thoughts of verdicts.jsonl and writes heard.jsonl; goes on where it was stopped. A pair without a readable thought, or
// whose media cannot be read, has "heard": null.
void hear_verdicts(const EvalJudging& judging);

// By pair: mean probability of the pair's first medium, as it stands in pairs.jsonl.
std::unordered_map<std::string, double> read_heard(const EvalJudging& judging);

}  // namespace beholder::app
