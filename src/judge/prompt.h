// What the judge is asked: the chat for K media and a generation prompt. Short on purpose: the embedded judge reads it too.
// The question depends on the answer kind; select and soft ask the same one, they differ in how the answer is read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hf/chat.h"
#include "hf/config.h"
#include "hf/tokenizer.h"
#include "judge/answer.h"
#include "media/image.h"
#include "media/preprocess.h"
#include "vlm/media_input.h"
#include "vlm/packed.h"

namespace beholder::judge {

inline constexpr std::size_t kMaxPromptBytes = 20'000;

// One image, or the frames of a video (in time order, each with its time, or `frames_per_second` of them), as the vision tower takes it.
// kInvalidInput for frames of several sizes or a shape beyond 200:1.
vlm::Media prepare_image(const media::Image& image, const media::PatchConfig& config);
vlm::Media prepare_video(std::span<const media::Image> frames, double frames_per_second, const media::PatchConfig& config);
vlm::Media prepare_video(std::span<const media::Image> frames, const vlm::FrameTimes& times, const media::PatchConfig& config);

// kInvalidInput for a prompt that is empty or longer than kMaxPromptBytes.
void check_prompt(std::string_view prompt);

// The system message and the user's turn, about K = 1..9 media of one kind.
std::vector<hf::ChatMessage> judge_messages(std::span<const hf::ChatPart> media, std::string_view prompt, AnswerKind kind);

// The same as tokens with the media attached, ready for the sampler (ends with the assistant's header).
// kInvalidInput for no media, more than nine, or images mixed with videos.
vlm::Segment judge_segment(const hf::Tokenizer& tokenizer, const hf::ModelConfig& config, std::span<const vlm::Media> media,
                           std::string_view prompt, AnswerKind kind);

// Every sentence the judge's prompt can hold, with "{prompt}" left out: for training a tokenizer.
std::vector<std::string> prompt_texts();

}  // namespace beholder::judge
