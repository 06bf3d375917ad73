// beholder info: what a checkpoint, a .safetensors file, an image or a video is.
#include <filesystem>

#include "app/command.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "hf/checkpoint_info.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "media/media_info.h"
#include "vlm/model.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

// An adapter is described by its base, and beside it by what it changes.
Json checkpoint_json(const std::string& given) {
  const std::string dir = hf::base_model_dir(given);
  Json info = hf::checkpoint_info(dir);
  const hf::ModelConfig config = hf::read_model_config(dir);
  const hf::ShardedTensors tensors = hf::ShardedTensors::open(dir);
  const vlm::CheckpointMatch match = vlm::match_checkpoint(config, tensors);
  info["missing"] = match.missing;
  info["unknown"] = match.unexpected;
  info["misshaped"] = match.misshaped;
  if (!hf::is_adapter(given)) return info;
  const hf::Adapter adapter = hf::read_adapter(given);
  std::int64_t parameters = 0;
  for (const hf::AdapterPair& pair : adapter.pairs) parameters += pair.a.numel() + pair.b.numel();
  info["adapter"] = {{"dir", given},
                     {"r", adapter.config.r},
                     {"lora_alpha", adapter.config.lora_alpha},
                     {"modules", adapter.pairs.size()},
                     {"parameters", parameters}};
  return info;
}

void show(const Json& value, const std::string& indent = "") {
  for (const auto& [key, item] : value.items()) {
    if (item.is_object() && !item.empty()) {
      fmt::print("{}{}\n", indent, key);
      show(item, indent + "  ");
    } else if (item.is_array() && item.size() > 8) {
      fmt::print("{}{:<16} {} entries (--json lists them)\n", indent, key, item.size());
    } else {
      fmt::print("{}{:<16} {}\n", indent, key, item.is_string() ? item.get<std::string>() : json_line(item));
    }
  }
}

// The pixels the judge sees before resizing: one PNG, or for a video one per chosen frame ("view.png" -> "view-001.png" …).
void save_view(const std::string& path, const std::string& out) {
  const std::string bytes = read_file(path);
  const std::span<const std::byte> span = std::as_bytes(std::span(bytes));
  if (media::media_kind(span) == media::MediaKind::kImage) {
    write_file_atomic(out, media::encode_png(media::decode_image(span, path)));
    return;
  }
  const media::VideoFrames video = media::decode_video(span, path);
  const fs::path base(out);
  for (std::size_t i = 0; i < video.frames.size(); ++i)
    write_file_atomic((base.parent_path() / format("{}-{:03}{}", base.stem().string(), i + 1, base.extension().string())).string(),
                      media::encode_png(video.frames[i]));
}

class InfoCommand : public Command {
 public:
  std::string name() const override { return "info"; }
  std::string summary() const override { return "describe a checkpoint, a .safetensors file, an image or a video"; }
  std::string operands() const override { return "checkpoint folders, org/name, .safetensors, image or video files"; }
  std::string examples() const override {
    return "Examples:\n  beholder info models/embedded\n  beholder info photo.jpg --json --save-view seen.png\n  beholder info "
           "model-00001-of-00002.safetensors";
  }
  void fields(FieldList& f) override {
    f.add("save_view", save_view_, "PNG to write the decoded pixels to: what the judge sees before resizing");
  }

  int run(const std::vector<std::string>& operands) override {
    if (operands.empty()) throw Error(Code::kUsage, "info", "nothing to describe", "give a checkpoint folder or a media file");
    if (!save_view_.empty() && operands.size() > 1) throw Error(Code::kUsage, "--save-view", "goes with one media file");
    for (const std::string& path : operands) {
      const Json info = describe(path);
      if (json) {
        fmt::print("{}\n", json_line(info));
        continue;
      }
      fmt::print("{}\n", path);
      show(info, "  ");
    }
    return 0;
  }

 private:
  Json describe(const std::string& path) const {
    if (fs::is_regular_file(path)) {
      if (path.ends_with(".safetensors")) return hf::safetensors_info(path);
      if (!save_view_.empty()) save_view(path, save_view_);
      return media::media_info_json(path);
    }
    return checkpoint_json(hf::resolve_model_dir(path));
  }

  std::string save_view_;
};

}  // namespace

CommandPtr make_info_command() {
  return std::make_unique<InfoCommand>();
}

}  // namespace beholder::app
