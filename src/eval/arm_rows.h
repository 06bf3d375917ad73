// What `world eval --rows` wrote about one run, item by item, and what needs more than a mean of it: calibration, and accuracy by how
// far a listener went along.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/bootstrap.h"
#include "core/json.h"

namespace beholder::eval {

struct ArmRow {
  std::map<std::string, Ratio> parts;  // metric -> the item's part in it
  std::optional<double> q, p, heard;   // share of the votes for medium 1; its probability by the judge and by the listener
};
using ArmRows = std::map<std::string, ArmRow>;  // by the item's id

// kNotFound, kCorrupt.
ArmRows read_arm_rows(const std::string& path);

// Of several runs together, against the votes' shares: {"value","by_seed":[…]}; null values where nothing has a p. A forecast is as
// right as the share of people who chose what it chose.
Json calibration_error(const std::vector<ArmRows>& runs);

// [{"low","high","heard","accuracy","n"}]: the verdicts by the listener's probability of the medium that was chosen, in ten bins of
// equal size (the failure figure of 2506.22832), accuracy against the majority. Empty without a listener.
Json accuracy_by_listener(const std::vector<ArmRows>& runs);

}  // namespace beholder::eval
