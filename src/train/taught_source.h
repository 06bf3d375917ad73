// Media with yes/no questions whose answers are known: what `train checklist` learns from. An item is a pure function of (source, step,
// index), so a resumed run sees what the uninterrupted one would have seen.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checklist/checklist.h"
#include "core/rng.h"
#include "judge/ask.h"

namespace beholder::train {

// A question and its known answer.
struct Known {
  std::size_t question = 0;  // index into the source's questions()
  bool yes = false;
};

struct TaughtItem {
  std::string id{};
  judge::AskItem asked{};  // one question per entry of `known`, in its order
  std::vector<Known> known{};
  std::string problem{};  // not empty: this item cannot be used and says why; the rest is unset
};

// Balanced sampling (VisionReward, arXiv 2412.21059, sec. 2.2): of a question's answers the rarer kind is always asked, the other as often
// as that, so that yes and no are taught equally often whatever their share.
class Balance {
 public:
  explicit Balance(std::size_t questions) : counts_(questions) {}
  void count(const Known& known) { ++(known.yes ? counts_[known.question].yes : counts_[known.question].no); }

  // Chance that an answer is kept: min(1, other kind / own kind); 0 where a question has one kind only.
  double keep(const Known& known) const;
  // Which of an item's answers are asked, at most `most` of them, at random; in their order. At least one where one can be.
  std::vector<Known> draw(const std::vector<Known>& all, std::size_t most, Rng rng) const;
  // Questions that only ever have one answer, which teaches nothing.
  std::vector<std::size_t> one_sided() const;

 private:
  struct Count {
    std::int64_t yes = 0, no = 0;
  };
  std::vector<Count> counts_;
};

class TaughtSource {
 public:
  virtual ~TaughtSource() = default;
  // Item `index` of the batch of update `step` (from 0), with the answers that balanced sampling leaves.
  virtual TaughtItem taught(std::int64_t step, std::int64_t index) const = 0;
  // Item `number` with all its answers: for validation.
  virtual TaughtItem whole(std::int64_t number) const = 0;
  virtual std::int64_t items() const { return 0; }  // 0: endless
  virtual const std::vector<std::string>& questions() const = 0;
};

struct TaughtOptions {
  std::uint64_t seed = 0;
  std::size_t most_questions = 16;  // of one item in one update
  std::int64_t batch_size = 1;      // items of one update
};

// JSON lines of annotated media: {"id", "media", "prompt"?, "answers": […]} as `checklist ask` writes them, a record with "meta_result" and
// "meta_mask" under "meta" (VisionRewardDB, converted), or both at the top. Media are relative to the file's folder. An "alignment" above
// 1/2 teaches yes to the alignment question. Lines that cannot be used are warned of and counted; kInvalidInput when none is left.
// `spec` must outlive it.
std::unique_ptr<TaughtSource> annotated_source(const std::string& path, const checklist::Checklist& list, const judge::JudgeSpec& spec,
                                               const TaughtOptions& options);

}  // namespace beholder::train
