// Arms that were measured on the same items, beside each other: every metric pooled over an arm's seeds, with its interval over items
// and its paired difference to the first arm.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/bootstrap.h"
#include "core/json.h"
#include "eval/arm_rows.h"

namespace beholder::eval {

struct MeasuredArm {
  std::string name;
  std::vector<ArmRows> seeds;  // empty: not measured
  std::size_t against = 0;     // index of an arm that it is set against beside the first
};

// A metric whose share of the way from the first arm to a ceiling, another metric of the same rows, is told: (arm - first) / (ceiling -
// first).
struct Gap {
  std::string metric, ceiling;
};

class ArmTable {
 public:
  // One bootstrap draws the items for all arms. kCorrupt, naming `what`, for rows of other items than the first arm's.
  ArmTable(std::vector<MeasuredArm> arms, const std::string& what, std::optional<Gap> gap = {});

  // {"items", metric: {"value","interval","by_seed"}} of one arm; but for the first arm also "difference","difference_interval", where it
  // is set against another one "against","against_interval", and the gap's "gap_closed","gap_closed_interval". Numbers that are not
  // defined are null. Only "items" for an arm that was not measured.
  Json arm(std::size_t a) const;

 private:
  std::size_t at(std::size_t arm, std::size_t metric, std::size_t block) const;
  std::vector<double> statistics(const std::vector<Ratio>& sums) const;

  std::vector<MeasuredArm> arms_;
  std::optional<Gap> gap_;
  std::map<std::string, std::size_t> metrics_;
  std::vector<std::vector<Ratio>> rows_;  // per item: arm a's part in metric m at a * metrics + m
  std::vector<double> values_;
  std::vector<std::optional<Interval>> intervals_;
};

}  // namespace beholder::eval
