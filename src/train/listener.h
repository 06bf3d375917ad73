// The listener [2506.22832]: a frozen, independent model that reads the prompt, the media and a judge's thought with the
// answer cut off, and says how likely medium 1 is the better one. A whole group is read in one packed call over one prefix.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "judge/judge.h"

namespace beholder::train {

class Listener {
 public:
  // `spec` and `model` must outlive it. `redact`: sentences that state the verdict are cut from what it reads.
  Listener(const judge::JudgeSpec& spec, const vlm::Model& model, bool redact) : spec_(spec), model_(model), redact_(redact) {}

  // Probability of medium 1 after each thought. Two media, prepared for this model.
  std::vector<double> hear(const std::string& prompt, std::span<const judge::Medium> media, std::span<const std::string> thoughts);

  const judge::JudgeSpec& spec() const { return spec_; }

 private:
  std::vector<double> read(const std::string& prompt, std::span<const judge::Medium> media, std::span<const std::string> thoughts) const;

  const judge::JudgeSpec& spec_;
  const vlm::Model& model_;
  bool redact_;
  std::unordered_map<std::uint64_t, double> cache_;  // by prompt, media and thought
};

// A listener with probability `l` of medium 1 prefers the other medium than the verdict, which chose one.
bool contradicts(const judge::Verdict& verdict, double l);

// The thought without sentences that say which medium wins. Sentences end at . ! ? or a new line.
std::string redact_verdict(const std::string& thought);

}  // namespace beholder::train
