// What a checkpoint's own chat template decides, where the published templates differ. The template is a Jinja program that is not run:
// hf/chat.h renders the part that all of them share. Internal to this room.
#pragma once

#include <string>
#include <string_view>

namespace beholder::hf {

inline constexpr std::string_view kDefaultSystem = "You are a helpful assistant.";

// Whether the template of `dir` (chat_template.jinja, chat_template.json or tokenizer_config.json's chat_template, in that order)
// begins a conversation without a system message with kDefaultSystem: Qwen2-VL's and Qwen2.5-VL's do, Qwen3-VL's does not.
// `fallback` where there is no template. kCorrupt for broken JSON.
bool template_has_default_system(const std::string& dir, bool fallback);

}  // namespace beholder::hf
