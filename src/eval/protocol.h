// Named protocols: how verdicts become one number. They are not interchangeable, so every number carries its protocol's name.
//
// Common to all: an answer that could not be read, and a record that is missing, stay in the denominator and earn nothing (votes:
// they count as p = 1/2); nothing is decided by a coin. What differs is in `rule` of each protocol and in docs/methods/eval.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bootstrap.h"
#include "eval/judged.h"

namespace beholder::eval {

struct Protocol {
  std::string name;  // "imagereward"
  std::string rule;  // one sentence
  std::string unit;  // what n counts: "pairs", "prompts", "judgements"
  bool higher_is_better = true;
  bool needs_p = false;  // a judge without probabilities cannot be measured by it
};
const std::vector<Protocol>& protocols();
const Protocol& find_protocol(std::string_view name);  // kUsage, naming the nearest

struct ProtocolOptions {
  std::optional<double> threshold;  // pickapic-tie: |margin| below it is a tie; none: the best one on the data at hand
};

struct Outcome {
  std::int64_t label_ties = 0;                         // pairs, of all
  std::int64_t predicted_ties = 0;                     // of the pairs that count
  std::int64_t unparsed = 0, missing = 0;              // likewise
  std::int64_t n = 0;                                  // units that the value is a mean of
  std::vector<Ratio> rows;                             // per prompt; the value is sum / n of their sums
  std::vector<std::pair<std::string, double>> chosen;  // what was fitted: "epsilon", "threshold"

  double value() const;  // NaN for n = 0
};

// kUsage where the protocol needs what the judge does not give.
Outcome evaluate(const JudgedSet& set, const Protocol& protocol, const ProtocolOptions& options = {});

}  // namespace beholder::eval
