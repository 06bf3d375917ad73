// The chat template that the Qwen-VL families share: messages -> token ids. Text parts are encoded with Specials::kPlain, so nothing a
// user types can become a control token; media parts become vision_start, one pad per feature, vision_end. In Qwen3-VL every temporal
// patch of a video is such a part of its own, behind its time: "<1.5 seconds>".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hf/config.h"
#include "hf/tokenizer.h"

namespace beholder::hf {

struct ChatPart {
  enum class Kind { kText, kImage, kVideo };
  Kind kind = Kind::kText;
  std::string text;                // kText
  std::int64_t feature_count = 0;  // kImage, kVideo: tokens after the merger, t*h*w / merge^2
  std::vector<double> times_s{};   // kVideo: when each temporal patch is shown; feature_count is a multiple of their number
};

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::vector<ChatPart> parts;
};

struct ChatOptions {
  bool add_generation_prompt = true;
  Specials text_specials = Specials::kPlain;  // kParse only to reproduce transformers exactly (trace)
};

// A conversation that does not begin with a system message gets the template's default one, where the template has one.
// kInvalidInput: no messages, an unknown role, a media part without features, or a video without the times that the family needs.
std::vector<std::int64_t> render_chat(const Tokenizer& tokenizer, const ModelConfig& config, std::span<const ChatMessage> messages,
                                      const ChatOptions& options = {});

}  // namespace beholder::hf
