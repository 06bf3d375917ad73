#include "hf/checkpoint_info.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file.h"
#include "hf/safetensors.h"
#include "hf/testing.h"

namespace beholder::hf {
namespace {

TEST(CheckpointInfo, CountsWhatTheHeadersSay) {
  TempDir dir;
  write_file_atomic(dir / "config.json", read_file(kData + "configs/tiny.flat.json"));
  const std::string bytes(24, 'x');
  const auto data = std::as_bytes(std::span(bytes));
  write_safetensors(dir / "model.safetensors", {{"visual.a", DType::kBF16, {2, 3}, data.first(12)},
                                                {"model.b", DType::kF32, {5}, data.first(20)},
                                                {"model.visual.c", DType::kBF16, {1}, data.first(2)}});
  const Json expected{{"dir", dir.path()},
                      {"family", "qwen2_5_vl"},
                      {"parameters", 12},
                      {"vision_parameters", 7},
                      {"dtypes", {{"BF16", 2}, {"F32", 1}}},
                      {"tensors", 3},
                      {"bytes", 34},
                      {"shards", 1},
                      {"vocabulary", 1024},
                      {"tokenizer_size", nullptr}};
  EXPECT_EQ(checkpoint_info(dir.path()), expected);
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) write_file_atomic(dir / name, read_file(kData + "tiny/" + name));
  EXPECT_EQ(checkpoint_info(dir.path())["tokenizer_size"], 982);
}

TEST(CheckpointInfo, ListsAFilesTensors) {
  const Json info = safetensors_info(kData + "mixed.safetensors");
  EXPECT_EQ(info["tensors"].size(), read_json(kData + "mixed.json")["tensors"].size());
  EXPECT_EQ(info["metadata"]["format"], "pt");
  EXPECT_EQ(info["bytes"], read_file(kData + "mixed.safetensors").size());
  bool seen = false;
  for (const Json& row : info["tensors"])
    if (row["name"] == "bf16") {
      seen = true;
      EXPECT_EQ(row, (Json{{"name", "bf16"}, {"dtype", "BF16"}, {"shape", {2, 2}}, {"bytes", 8}}));
    }
  EXPECT_TRUE(seen);
  EXPECT_THROW(safetensors_info("/nowhere"), Error);
}

}  // namespace
}  // namespace beholder::hf
