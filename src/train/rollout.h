// One batch of experience: groups of completions sampled from the model as it is, read, heard by the listener, rewarded and
// turned into advantages. The prompts and pictures prepared here are the ones the update uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dist/process_group.h"
#include "judge/judge.h"
#include "train/grpo_config.h"
#include "train/listener.h"
#include "train/preference.h"
#include "train/reward_command.h"

namespace beholder::train {

struct Sample {
  vlm::Completion completion;
  judge::Vote vote;
  std::optional<double> listener;  // its probability of medium 1
  std::vector<double> rewards;     // one per reward; NaN: missing
  double slope = 0;                // of the weighted sum, d / d p; exact decision gradients only
  double advantage = 0;
};

// The index that was drawn: the policy's action, which rewards grade. The verdict's choice is the likelier one.
int drawn_choice(const judge::Vote& vote);

struct Group {
  PreferenceItem item;
  std::uint64_t key = 0;  // of its randomness
  std::vector<judge::Medium> media;
  vlm::Segment prompt;
  std::vector<Sample> samples;  // G
};

// What the whole batch must know of a completion.
struct SampleFacts {
  std::int64_t tokens = 0;
  bool finished = false, parsed = false, first = false;  // first: medium 1 was chosen
  bool heard = false, contradicted = false;              // by the listener
  std::vector<double> rewards;                           // one per reward; NaN: missing
};

struct RolloutBatch {
  std::vector<Group> groups;                              // this rank's
  std::vector<SampleFacts> facts;                         // of all ranks' completions, rank by rank
  std::size_t first = 0;                                  // of them, this rank's first
  Advantages advantages;                                  // of all
  std::int64_t refilled = 0;                              // groups replaced by dynamic sampling
  std::int64_t prompt_tokens = 0, completion_tokens = 0;  // of all ranks
  double sample_seconds = 0, reward_seconds = 0, listener_seconds = 0;
  std::vector<std::string> problems;  // "id: why" of items left out, by any rank
  std::string ids() const;            // "a, b, c" for messages
};

class Roller {
 public:
  // All must outlive it; `listener` may be null.
  Roller(const GrpoConfig& config, const judge::JudgeSpec& spec, const vlm::Model& model, const PreferenceSource& source,
         Listener* listener, dist::ProcessGroup& group = dist::alone());

  // The next batch, its items dealt to the ranks; `cursor` is the number of the next item and moves on. Which items, and what is sampled
  // for each, does not depend on how many ranks there are. kInvalidInput when item after item cannot be used.
  RolloutBatch next(std::int64_t& cursor);

 private:
  std::vector<Group> take(std::int64_t wanted, std::int64_t& cursor, RolloutBatch& batch);
  void expect(std::int64_t wanted, std::int64_t cursor);
  std::optional<Group> prepare(std::int64_t number, std::string& problem);
  void sample(std::vector<Group>& groups, RolloutBatch& batch);
  void reward(std::vector<Group>& groups, RolloutBatch& batch);
  void hear(std::vector<Group>& groups);
  void share_facts(RolloutBatch& batch);

  const GrpoConfig& config_;
  const judge::JudgeSpec& spec_;
  const PreferenceSource& source_;
  vlm::ModelSampler sampler_;
  Listener* listener_;
  PreferenceMedia media_;
  std::optional<PreferenceMedia> listener_media_;  // where the listener sees them another way
  std::vector<const Reward*> rewards_;
  RewardCommand command_;
  dist::ProcessGroup& ranks_;
  int unusable_ = 0;  // items in a row
};

}  // namespace beholder::train
