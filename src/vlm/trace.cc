#include "vlm/trace.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"
#include "hf/chat.h"
#include "media/image.h"
#include "vlm/generate.h"
#include "vlm/media_input.h"

namespace beholder::vlm {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

[[noreturn]] void bad_case(const std::string& where, const std::string& what) {
  throw Error(Code::kInvalidInput, where, what, "docs/FORMATS.md describes a case");
}

std::vector<media::Image> load_frames(const Json& part, const std::string& root, const std::string& where) {
  std::vector<std::string> paths;
  if (part.contains("frames"))
    paths = json_need<std::vector<std::string>>(part, "frames", where);
  else
    paths.push_back(json_need<std::string>(part, "path", where));
  if (paths.empty()) bad_case(where, "a video has no frames");
  std::vector<media::Image> frames;
  for (const std::string& path : paths) frames.push_back(media::load_image(path.starts_with('/') ? path : root + "/" + path));
  return frames;
}

// Collects messages for the template and media for the tower, and the tensors that describe the media.
class CaseReader {
 public:
  CaseReader(const Model& model, const media::PatchConfig& patches, std::string root, Tensors& out)
      : model_(model), patches_(patches), root_(std::move(root)), out_(out) {}

  std::vector<hf::ChatMessage> read(const Json& messages, const std::string& where) {
    std::vector<hf::ChatMessage> chat;
    for (const Json& message : messages) {
      hf::ChatMessage& m = chat.emplace_back();
      m.role = json_need<std::string>(message, "role", where);
      const auto content_at = message.find("content");
      if (content_at == message.end() || !(content_at->is_string() || content_at->is_array()))
        bad_case(where, "the content of a message is neither text nor a list of parts");
      const Json& content = *content_at;
      if (content.is_string())
        m.parts.push_back({hf::ChatPart::Kind::kText, content.get<std::string>(), 0});
      else
        for (const Json& part : content) m.parts.push_back(read_part(part, where));
    }
    return chat;
  }

  std::vector<Media> media;

  void describe() {
    for (const bool video : {false, true}) {
      std::vector<at::Tensor> values;
      std::vector<std::int64_t> grids;
      std::vector<float> seconds;
      for (const Media& m : media) {
        if (m.video != video) continue;
        values.push_back(m.patches);
        grids.insert(grids.end(), {m.t, m.h, m.w});
        seconds.push_back(static_cast<float>(m.second_per_grid));
      }
      if (values.empty()) continue;
      out_[video ? "pixel_values_videos" : "pixel_values"] = at::cat(values);
      out_[video ? "video_grid_thw" : "image_grid_thw"] = at::tensor(grids, at::kLong).view({-1, 3});
      if (video && model_.config.family == hf::Family::kQwen25VL) out_["second_per_grid_ts"] = at::tensor(seconds);
    }
  }

 private:
  hf::ChatPart read_part(const Json& part, const std::string& where) {
    const auto type = json_need<std::string>(part, "type", where);
    if (type == "text") return {hf::ChatPart::Kind::kText, json_need<std::string>(part, "text", where), 0};
    if (type != "image" && type != "video")
      throw Error(Code::kInvalidInput, where, format("unknown content type \"{}\"", type), "use text, image or video");
    const std::vector<media::Image> frames = load_frames(part, root_, where);
    const bool video = type == "video";
    const media::Patches patches = video ? media::patchify_video(frames, patches_) : media::patchify(frames[0], patches_);
    const auto fps = json_get<double>(part, "fps", 2.0, where);
    if (!(fps > 0)) bad_case(where, format("the fps of a video is {}", fps));
    if (!video) keep_resized(frames[0]);
    media.push_back(video ? make_video(patches, even_times(frames.size(), fps), patches_.temporal_patch_size) : make_media(patches));
    return chat_part(media.back(), patches_.merge_size);
  }

  void keep_resized(const media::Image& image) {
    const media::Size size = media::smart_resize({image.width, image.height}, patches_.patch_size * patches_.merge_size,
                                                 patches_.min_pixels, patches_.max_pixels);
    const media::Image resized = media::resize_bicubic(image, size);
    at::Tensor pixels = at::empty({size.height, size.width, 3}, at::kByte);
    std::copy(resized.rgb.begin(), resized.rgb.end(), pixels.data_ptr<std::uint8_t>());
    out_[format("resized_{}", images_++)] = pixels;
  }

  const Model& model_;
  const media::PatchConfig& patches_;
  std::string root_;
  Tensors& out_;
  int images_ = 0;
};

// Greedy continuation, and how far the best token was ahead of the second at each step (from one packed forward over it).
void add_greedy(const Model& model, const Segment& prompt, std::int64_t count, Tensors& out) {
  SamplingOptions sampling;
  sampling.temperature = 0;
  sampling.max_new_tokens = count;
  const Request request{prompt, 1, 0};
  const std::vector<std::int64_t> ids = ModelSampler(model).sample({&request, 1}, sampling)[0][0].ids;
  const std::vector<Segment> both = {prompt, {ids, {}, 0}};
  const Packed packed = pack(model.config, both);
  const at::Tensor rows = at::arange(packed.predictor(1, 0), packed.predictor(1, 0) + count, at::kLong);
  const at::Tensor top = std::get<0>(logits(model, forward(model, packed), rows).topk(2));
  out["greedy_ids"] = at::tensor(ids, at::kLong);
  out["greedy_gap"] = top.select(1, 0) - top.select(1, 1);
}

}  // namespace

std::map<std::string, at::Tensor> trace_case(const Model& model, const hf::Tokenizer& tokenizer, const media::PatchConfig& patches,
                                             const Json& trace_case, const std::string& root, const TraceOptions& options) {
  const at::NoGradGuard no_grad;
  const std::string where = format("case \"{}\"", json_get<std::string>(trace_case, "name", "?", "case"));
  if (!trace_case.contains("messages") || !trace_case["messages"].is_array()) bad_case(where, "it has no list of messages");
  const auto max_new_tokens = json_get<std::int64_t>(trace_case, "max_new_tokens", options.max_new_tokens, where);
  if (max_new_tokens < 1 || max_new_tokens > 4096) bad_case(where, format("max_new_tokens is {}, outside 1 to 4096", max_new_tokens));
  Tensors out;
  CaseReader reader(model, patches, root, out);
  const std::vector<hf::ChatMessage> chat = reader.read(trace_case["messages"], where);
  Segment prompt;
  if (trace_case.contains("input_ids"))
    prompt.ids = json_need<std::vector<std::int64_t>>(trace_case, "input_ids", where);
  else
    prompt.ids = hf::render_chat(tokenizer, model.config, chat, {true, hf::Specials::kParse});
  if (prompt.ids.empty()) bad_case(where, "input_ids is empty");
  prompt.media = reader.media;
  reader.describe();

  const Packed packed = pack(model.config, {&prompt, 1});
  out["input_ids"] = packed.ids_T.unsqueeze(0);
  out["attention_mask"] = at::ones_like(out["input_ids"]);
  out["position_ids"] = packed.positions_3T.unsqueeze(1);
  out["rope_deltas"] = at::tensor({packed.next_position[0] - packed.ids_T.size(0)}, at::kLong).view({1, 1});
  const Tap tap = [&](std::string_view name, const at::Tensor& value) {
    if (options.layers || !(name.starts_with("hidden_") || name.starts_with("vision_block"))) out[std::string(name)] = value.to(at::kFloat);
  };
  const at::Tensor hidden = forward(model, packed, tap);
  out["logits"] = logits(model, hidden, at::arange(hidden.size(0), at::kLong));
  add_greedy(model, prompt, max_new_tokens, out);
  for (auto& [name, tensor] : out) tensor = tensor.to(at::kCPU).contiguous();
  return out;
}

}  // namespace beholder::vlm
