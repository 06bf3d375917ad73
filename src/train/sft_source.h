// Where supervised examples come from. A batch is a pure function of (source, step, index), so a resumed run sees what the
// uninterrupted one would have seen, and how a batch is split into micro-batches does not matter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "judge/judge_model.h"
#include "judge/prompt.h"
#include "vlm/packed.h"

namespace beholder::train {

struct SftExample {
  std::string id{};                   // what messages call it
  vlm::Segment segment{};             // prompt and completion, with the prompt's media
  std::int64_t completion_begin = 0;  // first token of `segment.ids` that is learned
  std::string problem{};              // not empty: this item cannot be used (a broken picture…) and says why; the rest is unset

  std::int64_t completion_tokens() const { return static_cast<std::int64_t>(segment.ids.size()) - completion_begin; }
};

class SftSource {
 public:
  virtual ~SftSource() = default;
  // Example `index` (0 .. batch size - 1) of the batch of update `step` (from 0). Called from the prefetching thread and from
  // the trainer's; must be const in effect. An item that cannot be used is a value, not an exception.
  virtual SftExample example(std::int64_t step, std::int64_t index) const = 0;
  // Examples in one pass over the data; 0: endless.
  virtual std::int64_t epoch_examples() const { return 0; }
};

// Prompt, then the completion and the token that ends a turn. The completion's text is encoded as plain text: nothing in it can
// become a control token. kInvalidInput for a prompt the judge would refuse.
SftExample make_example(const judge::JudgeSpec& spec, std::string id, std::span<const vlm::Media> media, std::string_view prompt,
                        judge::AnswerKind kind, std::string_view completion);

}  // namespace beholder::train
