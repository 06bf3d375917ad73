#include "gen/config.h"

#include "core/error.h"
#include "core/format.h"
#include "hf/config_reader.h"

namespace beholder::gen {
namespace {

constexpr const char* kModelType = "beholder_flow";
constexpr std::int64_t kMaxTokens = 1 << 16;

// What is wrong with the sizes, and the field to change; both empty where they fit.
struct Problem {
  std::string field, what;
  const char* fix = "choose sizes that divide each other";
};

Problem problem_of(const GeneratorConfig& c) {
  const auto uneven = [](std::int64_t a, std::int64_t b) { return a % b != 0; };
  if (uneven(c.image_size, c.patch_size)) return {"patch_size", format("{} does not divide image_size {}", c.patch_size, c.image_size)};
  if (uneven(c.num_frames, c.temporal_patch))
    return {"temporal_patch", format("{} does not divide num_frames {}", c.temporal_patch, c.num_frames)};
  if (uneven(c.hidden_size, 4 * c.num_attention_heads))
    return {"num_attention_heads", format("hidden_size {} is no multiple of 4 x {}", c.hidden_size, c.num_attention_heads)};
  if (uneven(c.text.hidden_size, c.text.num_attention_heads))
    return {"text_num_attention_heads", format("{} does not divide text_hidden_size {}", c.text.num_attention_heads, c.text.hidden_size)};
  if (c.is_video() && c.fps <= 0) return {"fps", "a video needs frames per second", "give them"};
  if (c.patches() > kMaxTokens)
    return {"patch_size", format("{} patches are more than {}", c.patches(), kMaxTokens), "make patches larger"};
  return {};
}

}  // namespace

void GeneratorConfig::fields(FieldList& f) {
  f.group("fresh generator");
  f.table("init");
  f.add_range("image_size", image_size, 8, 1024, "side of a picture, px");
  f.add_range("num_frames", num_frames, 1, 256, "frames of a video; 1: pictures");
  f.add_range("fps", fps, 0, 240, "frames per second of a video");
  f.add_range("patch_size", patch_size, 1, 256, "side of a patch, px");
  f.add_range("temporal_patch", temporal_patch, 1, 256, "frames in a patch");
  f.add_range("hidden_size", hidden_size, 4, 1 << 14, "width");
  f.add_range("intermediate_size", intermediate_size, 1, 1 << 16, "width inside the feed-forward parts");
  f.add_range("num_hidden_layers", num_hidden_layers, 1, 256, "blocks");
  f.add_range("num_attention_heads", num_attention_heads, 1, 256, "heads");
  f.add_range("pixel_channels", pixel_channels, 1, 1024, "channels of the convolutions that draw the pixels");
  f.add_range("text_vocab_size", text.vocab_size, 0, 1 << 20, "largest vocabulary of the prompts' tokenizer; 0: 384");
  f.add_range("text_hidden_size", text.hidden_size, 4, 1 << 14, "width of the prompts' encoder");
  f.add_range("text_num_hidden_layers", text.num_hidden_layers, 0, 256, "its blocks");
  f.add_range("text_num_attention_heads", text.num_attention_heads, 1, 256, "its heads");
  f.add_range("text_max_length", text.max_length, 2, 4096, "longest prompt, tokens");
  f.end_table();
}

void validate(const GeneratorConfig& config) {
  const Problem problem = problem_of(config);
  if (!problem.what.empty()) throw Error(Code::kUsage, "init." + problem.field, problem.what, problem.fix);
}

Json config_to_json(const GeneratorConfig& c) {
  return {{"architectures", {"BeholderFlowTransformer"}},
          {"model_type", kModelType},
          {"image_size", c.image_size},
          {"num_frames", c.num_frames},
          {"fps", c.fps},
          {"patch_size", c.patch_size},
          {"temporal_patch", c.temporal_patch},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"num_hidden_layers", c.num_hidden_layers},
          {"num_attention_heads", c.num_attention_heads},
          {"pixel_channels", c.pixel_channels},
          {"text_config",
           {{"vocab_size", c.text.vocab_size},
            {"hidden_size", c.text.hidden_size},
            {"num_hidden_layers", c.text.num_hidden_layers},
            {"num_attention_heads", c.text.num_attention_heads},
            {"max_length", c.text.max_length},
            {"end_token_id", c.text.end_token_id}}}};
}

GeneratorConfig parse_config(const Json& json, const std::string& where) {
  const hf::ConfigReader reader(json, where);
  const std::string type = reader.get<std::string>("model_type", "");
  if (type != kModelType)
    throw Error(Code::kUnsupported, where, type.empty() ? "names no model_type" : format("is of a \"{}\"", type),
                format("name a generator's folder (model_type \"{}\"), as `train generator` writes", kModelType));
  GeneratorConfig c;
  c.image_size = reader.integer("image_size", 8, 1024);
  c.num_frames = reader.integer("num_frames", 1, 256);
  c.fps = reader.real_or("fps", 0, 0, 240);
  c.patch_size = reader.integer("patch_size", 1, 256);
  c.temporal_patch = reader.integer("temporal_patch", 1, 256);
  c.hidden_size = reader.integer("hidden_size", 4, 1 << 14);
  c.intermediate_size = reader.integer("intermediate_size", 1, 1 << 16);
  c.num_hidden_layers = reader.integer("num_hidden_layers", 1, 256);
  c.num_attention_heads = reader.integer("num_attention_heads", 1, 256);
  c.pixel_channels = reader.integer("pixel_channels", 1, 1024);
  const hf::ConfigReader text(reader.at("text_config"), where + " (text_config)");
  c.text.vocab_size = text.integer("vocab_size", 1, 1 << 20);
  c.text.hidden_size = text.integer("hidden_size", 4, 1 << 14);
  c.text.num_hidden_layers = text.integer("num_hidden_layers", 0, 256);
  c.text.num_attention_heads = text.integer("num_attention_heads", 1, 256);
  c.text.max_length = text.integer("max_length", 2, 4096);
  c.text.end_token_id = text.integer("end_token_id", 0, c.text.vocab_size - 1);
  reader.require(problem_of(c).what.empty(), problem_of(c).what);
  return c;
}

GeneratorConfig read_config(const std::string& dir) {
  const std::string path = dir + "/config.json";
  return parse_config(read_json(path), path);
}

}  // namespace beholder::gen
