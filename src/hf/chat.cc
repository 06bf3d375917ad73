#include "hf/chat.h"

#include "core/error.h"
#include "core/format.h"
#include "hf/chat_template.h"

namespace beholder::hf {
namespace {

// Text gathers until a control token comes: the tokenizer must see it whole, as transformers' does, because its split
// pattern may join the ends of neighbouring parts.
class Writer {
 public:
  Writer(const Tokenizer& tokenizer, const ModelConfig& config, Specials specials)
      : tokenizer_(tokenizer), config_(config), specials_(specials), start_(need("<|im_start|>")), end_(need("<|im_end|>")) {}

  void begin(const std::string& role) {
    control(start_);
    text_ += role;
    text_ += '\n';
  }
  void text(std::string_view text) { text_ += text; }
  void media(const ChatPart& part) {
    if (part.feature_count <= 0 || part.feature_count > 1 << 24)
      throw Error(Code::kInvalidInput, "chat", format("a picture or video of {} features", part.feature_count));
    const bool video = part.kind == ChatPart::Kind::kVideo;
    const std::int64_t pad = video ? config_.video_token_id : config_.image_token_id;
    if (!video || !config_.vision.frame_timestamps) return pads(pad, part.feature_count);
    const std::int64_t count = std::ssize(part.times_s);
    if (count == 0 || part.feature_count % count != 0)
      throw Error(Code::kInvalidInput, "chat", format("a video of {} features at {} times", part.feature_count, count));
    for (const double time_s : part.times_s) {
      text_ += format("<{:.1f} seconds>", time_s);
      pads(pad, part.feature_count / count);
    }
  }
  void end() {
    control(end_);
    text_ += '\n';
  }
  std::vector<std::int64_t> finish() {
    flush();
    return std::move(ids_);
  }

 private:
  void pads(std::int64_t pad, std::int64_t count) {
    control(config_.vision_start_token_id);
    ids_.insert(ids_.end(), static_cast<std::size_t>(count), pad);
    control(config_.vision_end_token_id);
  }
  std::int64_t need(const char* token) const {
    const auto id = tokenizer_.token_id(token);
    if (!id) throw Error(Code::kUnsupported, "tokenizer", format("it has no {} token, which the chat format needs", token));
    return *id;
  }
  void control(std::int64_t id) {
    flush();
    ids_.push_back(id);
  }
  void flush() {
    if (text_.empty()) return;
    const std::vector<std::int64_t> ids = tokenizer_.encode(text_, specials_);
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    text_.clear();
  }

  const Tokenizer& tokenizer_;
  const ModelConfig& config_;
  Specials specials_;
  std::int64_t start_, end_;
  std::string text_;
  std::vector<std::int64_t> ids_;
};

void check_role(const std::string& role) {
  if (role != "system" && role != "user" && role != "assistant")
    throw Error(Code::kInvalidInput, "chat", format("\"{}\" is no role", role), "use system, user or assistant");
}

}  // namespace

std::vector<std::int64_t> render_chat(const Tokenizer& tokenizer, const ModelConfig& config, std::span<const ChatMessage> messages,
                                      const ChatOptions& options) {
  if (messages.empty()) throw Error(Code::kInvalidInput, "chat", "the conversation has no messages");
  Writer out(tokenizer, config, options.text_specials);
  if (messages.front().role != "system" && config.default_system) {
    out.begin("system");
    out.text(kDefaultSystem);
    out.end();
  }
  for (const ChatMessage& message : messages) {
    check_role(message.role);
    out.begin(message.role);
    for (const ChatPart& part : message.parts) {
      if (part.kind == ChatPart::Kind::kText)
        out.text(part.text);
      else
        out.media(part);
    }
    out.end();
  }
  if (options.add_generation_prompt) out.begin("assistant");
  return out.finish();
}

}  // namespace beholder::hf
