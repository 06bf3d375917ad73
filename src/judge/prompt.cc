#include "judge/prompt.h"

#include "core/error.h"
#include "core/format.h"

namespace beholder::judge {
namespace {

constexpr std::string_view kSystem = "You judge generated media. Think inside <think> </think>, then answer inside <answer> </answer>.";

std::string question(std::size_t media_count, bool video, AnswerKind kind) {
  const std::string_view noun = video ? "video" : "image";
  if (kind != AnswerKind::kScore) return format("Which {} would people prefer? Answer with its number.", noun);
  if (media_count == 1) return format("How good is this {} for the prompt? Answer with one number from 0 to 10.", noun);
  return format("How good is each {} for this prompt? Answer with one number from 0 to 10 for each.", noun);
}

hf::ChatPart text_part(std::string text) {
  return {hf::ChatPart::Kind::kText, std::move(text), 0};
}

}  // namespace

vlm::Media prepare_image(const media::Image& image, const media::PatchConfig& config) {
  return vlm::make_media(media::patchify(image, config));
}

vlm::Media prepare_video(std::span<const media::Image> frames, double frames_per_second, const media::PatchConfig& config) {
  return prepare_video(frames, vlm::even_times(frames.size(), frames_per_second), config);
}

vlm::Media prepare_video(std::span<const media::Image> frames, const vlm::FrameTimes& times, const media::PatchConfig& config) {
  if (frames.empty()) throw Error(Code::kInvalidInput, "video", "it has no frames");
  if (!(times.per_second > 0)) throw Error(Code::kInvalidInput, "video", "frames per second must be above 0");
  for (const media::Image& frame : frames) {
    if (frame.width == frames[0].width && frame.height == frames[0].height) continue;
    throw Error(Code::kInvalidInput, "video",
                format("frames of {}x{} and {}x{} px", frames[0].width, frames[0].height, frame.width, frame.height),
                "give frames of one size");
  }
  return vlm::make_video(media::patchify_video(frames, config), times, config.temporal_patch_size);
}

void check_prompt(std::string_view prompt) {
  if (prompt.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw Error(Code::kInvalidInput, "prompt", "it is empty", "say what the media were generated for, e.g. --prompt \"a red circle\"");
  }
  if (prompt.size() > kMaxPromptBytes) {
    throw Error(Code::kInvalidInput, "prompt", format("{} characters, more than {}", prompt.size(), kMaxPromptBytes), "shorten it");
  }
}

std::vector<hf::ChatMessage> judge_messages(std::span<const hf::ChatPart> media, std::string_view prompt, AnswerKind kind) {
  const bool video = media[0].kind == hf::ChatPart::Kind::kVideo;
  hf::ChatMessage system{"system", {text_part(std::string(kSystem))}};
  hf::ChatMessage user{"user", {}};
  for (std::size_t i = 0; i < media.size(); ++i) {
    user.parts.push_back(text_part(format("{}{} {}: ", i == 0 ? "" : "\n", video ? "Video" : "Image", i + 1)));
    user.parts.push_back(media[i]);
  }
  user.parts.push_back(text_part(format("\nPrompt: {}\n{}", prompt, question(media.size(), video, kind))));
  return {std::move(system), std::move(user)};
}

vlm::Segment judge_segment(const hf::Tokenizer& tokenizer, const hf::ModelConfig& config, std::span<const vlm::Media> media,
                           std::string_view prompt, AnswerKind kind) {
  if (media.empty() || std::ssize(media) > kMaxMedia) {
    throw Error(Code::kInvalidInput, "media", format("{} in one question", media.size()), format("ask about 1 to {} at a time", kMaxMedia));
  }
  std::vector<hf::ChatPart> parts;
  for (const vlm::Media& medium : media) {
    if (medium.video != media[0].video) {
      throw Error(Code::kInvalidInput, "media", "images and videos in one question", "compare images with images, videos with videos");
    }
    parts.push_back(vlm::chat_part(medium, config.vision.spatial_merge_size));
  }
  vlm::Segment segment;
  segment.ids = hf::render_chat(tokenizer, config, judge_messages(parts, prompt, kind));
  segment.media.assign(media.begin(), media.end());
  return segment;
}

std::vector<std::string> prompt_texts() {
  std::vector<std::string> texts;
  for (const bool video : {false, true}) {
    for (const AnswerKind kind : {AnswerKind::kSoft, AnswerKind::kScore}) {
      for (const std::size_t count : {1, 2}) {
        const std::vector<hf::ChatPart> media(count, {video ? hf::ChatPart::Kind::kVideo : hf::ChatPart::Kind::kImage, "", 1});
        std::string text;
        for (const hf::ChatMessage& message : judge_messages(media, "", kind)) {
          text += message.role + "\n";
          for (const hf::ChatPart& part : message.parts) text += part.text;
          text += "\n";
        }
        texts.push_back(text + "assistant\n" + completion_text("", "1"));
      }
    }
  }
  return texts;
}

}  // namespace beholder::judge
