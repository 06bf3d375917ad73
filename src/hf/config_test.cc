#include "hf/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::hf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kConfigs = BEHOLDER_SOURCE_DIR "/tests/data/hf/configs/";

ModelConfig load(const std::string& name) {
  return parse_model_config(read_json(kConfigs + name + ".json"), name);
}

void expect_error(const Json& json, Code code, const std::string& part) {
  try {
    parse_model_config(json, "config.json");
    ADD_FAILURE() << "accepted; expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(code_name(e.code()), code_name(code)) << e.what();
    EXPECT_THAT(e.what(), HasSubstr(part));
  }
}

// The flat layout is the published one; nested4 and nested5 are what transformers 4.57.6 and 5.23.0 save for it.
TEST(ConfigOracle, EveryLayoutGivesTheSameConfig) {
  for (const std::string base : {"tiny", "tiny_untied", "tiny_qwen2vl"}) {
    const bool is_25 = base != "tiny_qwen2vl";
    for (const std::string layout : {".flat", ".nested4", ".nested5"}) {
      SCOPED_TRACE(base + layout);
      const ModelConfig c = load(base + layout);
      EXPECT_EQ(c.family, is_25 ? Family::kQwen25VL : Family::kQwen2VL);
      EXPECT_EQ(family_name(c.family), is_25 ? "qwen2_5_vl" : "qwen2_vl");
      EXPECT_EQ(c.text.vocab_size, 1024);
      EXPECT_EQ(c.text.hidden_size, 64);
      EXPECT_EQ(c.text.intermediate_size, 176);
      EXPECT_EQ(c.text.num_layers, 2);
      EXPECT_EQ(c.text.num_heads, 4);
      EXPECT_EQ(c.text.num_kv_heads, 2);
      EXPECT_EQ(c.text.head_dim, 16);
      EXPECT_EQ(c.text.rms_norm_eps, 1e-6);
      EXPECT_EQ(c.text.rope_theta, 1e6);
      EXPECT_THAT(c.text.mrope_section, ElementsAre(2, 3, 3));
      EXPECT_EQ(c.text.max_position_embeddings, is_25 ? 128000 : 32768);
      EXPECT_EQ(c.text.tie_word_embeddings, base != "tiny_untied");
      EXPECT_EQ(c.vision.depth, 4);
      EXPECT_EQ(c.vision.hidden_size, 64);
      EXPECT_EQ(c.vision.intermediate_size, is_25 ? 172 : 256);
      EXPECT_EQ(c.vision.num_heads, 4);
      EXPECT_EQ(c.vision.out_hidden_size, 64);
      EXPECT_EQ(c.vision.in_channels, 3);
      EXPECT_EQ(c.vision.patch_size, 14);
      EXPECT_EQ(c.vision.temporal_patch_size, 2);
      EXPECT_EQ(c.vision.spatial_merge_size, 2);
      EXPECT_EQ(c.vision.hidden_act, is_25 ? "silu" : "quick_gelu");
      if (is_25) {
        EXPECT_EQ(c.vision.window_size, 112);
        EXPECT_THAT(c.vision.fullatt_block_indexes, ElementsAre(2));
        EXPECT_EQ(c.vision.tokens_per_second, 2);
      }
      EXPECT_EQ(c.image_token_id, 972);
      EXPECT_EQ(c.video_token_id, 973);
      EXPECT_EQ(c.vision_start_token_id, 969);
      EXPECT_EQ(c.vision_end_token_id, 970);
      EXPECT_EQ(c.dtype, "float32");
      EXPECT_EQ(c.raw, read_json(kConfigs + base + layout + ".json"));
    }
  }
}

// Qwen3-VL is published in the nested layout; nested4 is what transformers 4.57.6 saves for it.
TEST(ConfigOracle, Qwen3VLIsReadInItsPublishedLayout) {
  for (const std::string& path :
       {std::string(BEHOLDER_SOURCE_DIR "/tests/data/vlm/tiny_qwen3vl/config.json"), kConfigs + "tiny_qwen3vl.nested4.json"}) {
    SCOPED_TRACE(path);
    const ModelConfig c = parse_model_config(read_json(path), path);
    EXPECT_EQ(c.family, Family::kQwen3VL);
    EXPECT_EQ(family_name(c.family), "qwen3_vl");
    EXPECT_EQ(c.text.num_layers, 3);
    EXPECT_EQ(c.text.head_dim, 16);
    EXPECT_EQ(c.text.rope_theta, 5e6);
    EXPECT_THAT(c.text.mrope_section, ElementsAre(4, 2, 2));
    EXPECT_TRUE(c.text.mrope_interleaved && c.text.qk_norm && c.text.tie_word_embeddings);
    EXPECT_FALSE(c.text.qkv_bias);
    EXPECT_EQ(c.vision.depth, 4);
    EXPECT_EQ(c.vision.hidden_size, 32);
    EXPECT_EQ(c.vision.intermediate_size, 88);
    EXPECT_EQ(c.vision.out_hidden_size, 64);
    EXPECT_EQ(c.vision.patch_size, 16);
    EXPECT_EQ(c.vision.hidden_act, "gelu_pytorch_tanh");
    EXPECT_EQ(c.vision.num_position_embeddings, 64);
    EXPECT_THAT(c.vision.deepstack_visual_indexes, ElementsAre(0, 2));
    EXPECT_TRUE(c.vision.frame_timestamps);
    EXPECT_FALSE(c.default_system);
  }
}

TEST(Config, Qwen3VLVariantsAndBrokenSizesAreRefused) {
  const Json good = read_json(BEHOLDER_SOURCE_DIR "/tests/data/vlm/tiny_qwen3vl/config.json");
  const auto bad = [&](const char* pointer, Json value, Code code, const std::string& part) {
    Json j = good;
    j[Json::json_pointer(pointer)] = std::move(value);
    expect_error(j, code, part);
  };
  bad("/text_config/attention_bias", true, Code::kUnsupported, "attention_bias");
  bad("/text_config/rope_scaling/mrope_interleaved", false, Code::kUnsupported, "mrope_interleaved");
  bad("/vision_config/hidden_act", "silu", Code::kUnsupported, "silu");
  bad("/vision_config/num_position_embeddings", 63, Code::kCorrupt, "not a square");
  bad("/vision_config/deepstack_visual_indexes", {4}, Code::kCorrupt, "has 4 blocks");
  bad("/vision_config/deepstack_visual_indexes", {2, 0}, Code::kCorrupt, "not ascending");
  bad("/vision_config/deepstack_visual_indexes", {0, 1, 2, 3}, Code::kCorrupt, "4 entries for 3 decoder layers");
  bad("/vision_config/deepstack_visual_indexes", Json(), Code::kCorrupt, "missing");
}

// The template's own system message, from each of the files that may hold the template; the family decides where none does.
TEST(Config, TheChatTemplateDecidesAboutTheSystemMessage) {
  TempDir dir;
  write_file_atomic(dir / "config.json", read_file(kConfigs + "tiny.flat.json"));
  EXPECT_TRUE(read_model_config(dir.path()).default_system);
  const std::string with = "{{ 'You are a helpful assistant.' }}", without = "{{ messages }}";
  write_file_atomic(dir / "tokenizer_config.json", Json{{"chat_template", without}}.dump());
  EXPECT_FALSE(read_model_config(dir.path()).default_system);
  const Json named = {{{"name", "tools"}, {"template", without}}, {{"name", "default"}, {"template", with}}};
  write_file_atomic(dir / "tokenizer_config.json", Json{{"chat_template", named}}.dump());
  EXPECT_TRUE(read_model_config(dir.path()).default_system);
  write_file_atomic(dir / "chat_template.json", Json{{"chat_template", without}}.dump());
  EXPECT_FALSE(read_model_config(dir.path()).default_system);
  write_file_atomic(dir / "chat_template.jinja", with);
  EXPECT_TRUE(read_model_config(dir.path()).default_system);
  write_file_atomic(dir / "config.json", read_file(BEHOLDER_SOURCE_DIR "/tests/data/vlm/tiny_qwen3vl/config.json"));
  EXPECT_TRUE(read_model_config(dir.path()).default_system);
}

TEST(Config, OtherArchitecturesAreUnsupportedByName) {
  Json j = load("tiny.flat").raw;
  j["model_type"] = "qwen3_vl_moe";
  j["architectures"] = {"Qwen3VLMoeForConditionalGeneration"};
  expect_error(j, Code::kUnsupported, "the architecture Qwen3VLMoeForConditionalGeneration is not supported (supported: Qwen2VL");
  expect_error(j, Code::kUnsupported, "Qwen3VLForConditionalGeneration (qwen3_vl)");
  j.erase("architectures");
  expect_error(j, Code::kUnsupported, "qwen3_vl_moe");
  j.erase("model_type");
  expect_error(j, Code::kUnsupported, "(none named)");
  j["architectures"] = {"Qwen2_5_VLForConditionalGeneration"};
  EXPECT_EQ(parse_model_config(j, "x").family, Family::kQwen25VL);
}

TEST(Config, VariantsThatWouldChangeTheNumbersAreRefused) {
  const Json good = load("tiny.flat").raw;
  const auto with = [&](const char* pointer, Json value) {
    Json j = good;
    j[Json::json_pointer(pointer)] = std::move(value);
    return j;
  };
  expect_error(with("/hidden_act", "gelu"), Code::kUnsupported, "hidden_act");
  expect_error(with("/use_sliding_window", true), Code::kUnsupported, "sliding");
  expect_error(with("/layer_types", {"full_attention", "sliding_attention"}), Code::kUnsupported, "sliding_attention");
  expect_error(with("/rope_scaling/type", "yarn"), Code::kUnsupported, "yarn");
  expect_error(with("/quantization_config", {{"bits", 4}}), Code::kUnsupported, "quantised");
  expect_error(with("/vision_config/hidden_act", "gelu"), Code::kUnsupported, "gelu");
  expect_error(with("/vision_config/in_channels", 4), Code::kUnsupported, "4 image channels");
  expect_error(with("/vision_config/rope_parameters", {{"rope_theta", 500.0}}), Code::kUnsupported, "rope_theta");
  expect_error(with("/torch_dtype", "int4"), Code::kUnsupported, "int4");
}

TEST(Config, EverySizeIsRangeChecked) {
  const Json good = load("tiny.flat").raw;
  const auto bad = [&](const char* pointer, Json value, const std::string& part) {
    Json j = good;
    j[Json::json_pointer(pointer)] = std::move(value);
    expect_error(j, Code::kCorrupt, part);
  };
  for (const char* key : {"/vocab_size", "/hidden_size", "/intermediate_size", "/num_hidden_layers", "/num_attention_heads",
                          "/vision_config/depth", "/vision_config/num_heads", "/vision_config/patch_size",
                          "/vision_config/spatial_merge_size", "/vision_config/temporal_patch_size", "/vision_config/window_size"}) {
    for (const Json& value : {Json(0), Json(-1), Json(std::uint64_t{1} << 63), Json(std::int64_t{1} << 62)}) bad(key, value, "outside");
    for (const Json& value : {Json(1.5), Json("64"), Json::array()}) bad(key, value, "wrong type");
  }
  bad("/num_attention_heads", 3, "multiple");
  bad("/num_key_value_heads", 3, "multiple");
  bad("/rope_scaling/mrope_section", {2, 3, 4}, "sums to 9");
  bad("/rope_scaling/mrope_section", {8, 0}, "three numbers");
  bad("/rope_scaling/mrope_section", {-8, 8, 8}, "outside");
  bad("/rope_theta", 0, "outside");
  bad("/vision_config/fullatt_block_indexes", {4}, "has 4 blocks");
  bad("/vision_config/fullatt_block_indexes", 4, "not a list");
  bad("/vision_config/out_hidden_size", 32, "not the decoder's width");
  bad("/vision_config/num_heads", 32, "multiple of 4");
  bad("/vision_config/window_size", 14, "smaller than one merged patch");
  bad("/image_token_id", 1024, "the vocabulary has 1024");
  bad("/image_token_id", 973, "same id");
  bad("/vision_config", 3, "not a JSON object");
}

TEST(Config, MissingKeysAreNamed) {
  const Json good = load("tiny.flat").raw;
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "vision_config", "rope_scaling"}) {
    Json j = good;
    j.erase(key);
    expect_error(j, Code::kCorrupt, format("\"{}\" is missing", key));
  }
  expect_error(Json::array(), Code::kCorrupt, "not a JSON object");
}

TEST(Config, FolderErrorsSayWhatToDo) {
  TempDir dir;
  try {
    read_model_config(dir.path());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kNotFound);
    EXPECT_THAT(e.what(), HasSubstr("has no config.json (give the folder of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL (dense) checkpoint"));
  }
  EXPECT_THROW(read_model_config(dir / "absent"), Error);
  write_file_atomic(dir / "config.json", "{");
  EXPECT_THROW(read_model_config(dir.path()), Error);
  write_file_atomic(dir / "config.json", read_file(kConfigs + "tiny.flat.json"));
  EXPECT_EQ(read_model_config(dir.path()).text.hidden_size, 64);
}

TEST(Config, GenerationConfigGivesTheEndTokens) {
  TempDir dir;
  for (const std::string layout : {"tiny.flat", "tiny.nested4", "tiny.nested5"})
    EXPECT_THAT(read_generation_config(dir.path(), load(layout)).eos_token_ids, ElementsAre(962)) << layout;
  const ModelConfig config = load("tiny.flat");
  const auto with = [&](const char* text) {
    write_file_atomic(dir / "generation_config.json", text);
    return read_generation_config(dir.path(), config);
  };
  EXPECT_THAT(with(R"({"eos_token_id":[962,960],"pad_token_id":960})").eos_token_ids, ElementsAre(962, 960));
  EXPECT_EQ(with(R"({"eos_token_id":[962,960],"pad_token_id":961})").pad_token_id, 961);
  EXPECT_THAT(with(R"({"eos_token_id":5})").eos_token_ids, ElementsAre(5));
  EXPECT_EQ(with(R"({"eos_token_id":5})").pad_token_id, 5);
  for (const char* text :
       {R"({"eos_token_id":[1024]})", R"({"eos_token_id":-1})", R"({"eos_token_id":"x"})", R"({"pad_token_id":99999})", "[]", "{"})
    EXPECT_THROW(with(text), Error) << text;
}

// Any value replaced by any other kind of value either parses or is refused with a code; nothing crashes.
TEST(ConfigInvariant, MutationsNeverCrash) {
  int refused = 0;
  for (const std::string base : {"tiny.flat", "tiny_qwen2vl.nested4", "tiny_untied.nested5", "tiny_qwen3vl.nested4"}) {
    const Json flat = load(base).raw.flatten();
    for (const auto& [pointer, old] : flat.items())
      for (const Json& value :
           {Json(nullptr), Json(-1), Json(0), Json(1e308), Json("x"), Json::array(), Json::object(), Json(~std::uint64_t{0})}) {
        Json j = load(base).raw;
        j[Json::json_pointer(pointer)] = value;
        try {
          parse_model_config(j, "x");
        } catch (const Error& e) {
          ++refused;
          EXPECT_TRUE(e.code() == Code::kCorrupt || e.code() == Code::kUnsupported) << pointer << " " << e.what();
        }
      }
  }
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace beholder::hf
