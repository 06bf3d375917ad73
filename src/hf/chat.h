// Qwen2-VL's chat template: messages -> token ids. Text parts are encoded with Specials::kPlain, so nothing a user types
// can become a control token; media parts become vision_start, one pad per feature, vision_end.
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
};

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::vector<ChatPart> parts;
};

struct ChatOptions {
  bool add_generation_prompt = true;
  Specials text_specials = Specials::kPlain;  // kParse only to reproduce transformers exactly (trace)
};

// A conversation that does not begin with a system message gets the template's default one. kInvalidInput: no messages,
// an unknown role, a media part without features.
std::vector<std::int64_t> render_chat(const Tokenizer& tokenizer, const ModelConfig& config, std::span<const ChatMessage> messages,
                                      const ChatOptions& options = {});

}  // namespace beholder::hf
