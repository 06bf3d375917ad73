// The listener [2506.22832]: a frozen, independent model that reads the prompt, the media and a judge's thought with the
// answer cut off, and says how likely medium 1 is the better one. A whole group is read over one prefix, several groups in one packed call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "judge/ask.h"
#include "judge/judge.h"

namespace beholder::train {

// Two media, prepared for the listener's model, and what was thought about them.
struct Hearing {
  const std::string& prompt;
  std::span<const judge::Medium> media;
  std::vector<std::string> thoughts;
};

class Listener {
 public:
  // `spec` and `model` must outlive it. `redact`: sentences that state the verdict are cut from what it reads.
  Listener(const judge::JudgeSpec& spec, const vlm::Model& model, bool redact) : spec_(spec), model_(model), redact_(redact) {}

  // Probability of medium 1 after each thought of each.
  std::vector<std::vector<double>> hear(std::span<const Hearing> all);
  std::vector<double> hear(const Hearing& one) { return std::move(hear(std::span(&one, 1))[0]); }

  // What was heard is kept, by prompt, media and thought, until this is called. Last digits depend on what was read in the same call: a
  // training forgets at every checkpoint, so that the one that goes on from there hears the same.
  void forget() { cache_.clear(); }

  const judge::JudgeSpec& spec() const { return spec_; }

 private:
  std::vector<vlm::Segment> segments(const Hearing& hearing) const;
  void read(const judge::AskForest& forest, std::span<const std::uint64_t> keys);

  const judge::JudgeSpec& spec_;
  const vlm::Model& model_;
  bool redact_;
  std::unordered_map<std::uint64_t, double> cache_;
};

// A listener with probability `l` of medium 1 prefers the other medium than the verdict, which chose one.
bool contradicts(const judge::Verdict& verdict, double l);

// The thought without sentences that say which medium wins. Sentences end at . ! ? or a new line.
std::string redact_verdict(const std::string& thought);

}  // namespace beholder::train
