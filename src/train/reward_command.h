// A reward from outside the program: a shell command that reads one JSON object a line on stdin and writes one number a line
// on stdout, in the same order; "null" means that the reward does not apply. Run once per batch.
//   {"id","prompt","media":[name, name],"completion","thought","answer","choice":1|2|0,"p":p|null,"q":q,"parsed":true}
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::train {

class RewardCommand {
 public:
  // `command` may be empty: then there is no such reward.
  RewardCommand(std::string command, double timeout_seconds) : command_(std::move(command)), timeout_(timeout_seconds) {}
  bool exists() const { return !command_.empty(); }

  // One value per line of input; NaN for null. kInvalidInput, naming the command and what it did, when it fails, hangs, writes
  // too few lines or something that is not a finite number.
  std::vector<double> run(const std::vector<Json>& lines) const;

 private:
  std::string command_;
  double timeout_;
};

}  // namespace beholder::train
