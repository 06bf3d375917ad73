// Loading and saving checkpoints.
#include "vlm/model.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "vlm/oracle_cases.h"

namespace beholder::vlm {
namespace {

TEST(Model, MissingUnexpectedAndMisshapedTensorsAreNamed) {
  TempDir dir;
  Model model = load_model(kData + "/tiny");
  Model changed = model;
  changed.params = ParamStore();
  for (const auto& [name, value] : model.params.all())
    if (name != "model.norm.weight") changed.params.set(name == "visual.merger.ln_q.weight" ? "visual.merger.extra" : name, value);
  changed.params.set("model.layers.0.mlp.up_proj.weight", at::zeros({3, 3}));
  save_model(changed, dir.path(), at::kFloat);
  try {
    load_model(dir.path());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_status(), 4);
    for (const char* word : {"model.norm.weight", "visual.merger.ln_q.weight", "visual.merger.extra", "[3, 3]"})
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
  }
}

TEST(Model, NanWeightsAreFound) {
  Model model = load_model(kData + "/tiny");
  EXPECT_NO_THROW(check_finite(model));
  at::Tensor bad = model.params["model.norm.weight"].clone();
  bad[3] = NAN;
  model.params.set("model.norm.weight", bad);
  EXPECT_THROW(check_finite(model), Error);
}

TEST(Model, Bf16AndFp16StayCloseToFp32) {
  const Loaded loaded("tiny");
  const Segment prompt = prompt_of(loaded, "pair_mixed");
  const at::NoGradGuard no_grad;
  const Packed packed = pack(loaded.model.config, {&prompt, 1});
  const at::Tensor rows = at::arange(packed.ids_T.size(0), at::kLong);
  const at::Tensor wide = logits(loaded.model, forward(loaded.model, packed), rows);
  for (const auto& [type, tolerance] : {std::pair{at::kBFloat16, 0.06}, {at::kHalf, 0.01}}) {
    const Model narrow = load_model(kData + "/tiny", {type, at::kCPU});
    EXPECT_LT(relative_error(logits(narrow, forward(narrow, packed), rows), wide), tolerance);
  }
}

// Qwen3-VL's repositories have the newer names and transformers looks for no others; the older families keep theirs.
TEST(ModelInvariant, ASavedCheckpointHasThePublishedNamesAndTheSameNumbers) {
  for (const std::string preset : {"tiny_qwen2vl", "tiny", "tiny_qwen3vl"}) {
    SCOPED_TRACE(preset);
    TempDir dir;
    const Model model = load_model(kData + "/" + preset);
    save_model(model, dir.path(), at::kFloat);
    const hf::SafeTensors theirs = hf::SafeTensors::open(kData + "/" + preset + "/model.safetensors"),
                          ours = hf::SafeTensors::open(dir / "model.safetensors");
    ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
    for (const hf::TensorView& tensor : theirs.tensors()) {
      ASSERT_NE(ours.find(tensor.name), nullptr) << tensor.name;
      EXPECT_EQ(ours.find(tensor.name)->shape, tensor.shape) << tensor.name;
      EXPECT_TRUE(at::equal(read(ours, tensor.name), read(theirs, tensor.name))) << tensor.name;
    }
    const Json before = read_json(kData + "/" + preset + "/config.json");
    save_model(model, dir.path(), at::kBFloat16);
    Json after = read_json(dir / "config.json");
    EXPECT_EQ(hf::read_model_config(dir.path()).dtype, "bfloat16");
    EXPECT_EQ(after["vision_config"], before["vision_config"]);
    EXPECT_EQ(load_model(dir.path()).dtype, at::kBFloat16);
  }
}

TEST(Model, ATensorOfQwen3VLIsNamedAsItIsPublished) {
  TempDir dir;
  Model model = load_model(kData + "/tiny_qwen3vl");
  model.params.set("model.layers.0.self_attn.q_norm.weight", at::zeros({3}));
  model.params.set("visual.deepstack_merger_list.7.norm.weight", at::zeros({3}));
  save_model(model, dir.path(), at::kFloat);
  try {
    load_model(dir.path());
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("model.language_model.layers.0.self_attn.q_norm.weight is [3], not [16]"), std::string::npos)
        << e.what();
    EXPECT_NE(std::string(e.what()).find("unexpected tensors: model.visual.deepstack_merger_list.7.norm.weight"), std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace beholder::vlm
