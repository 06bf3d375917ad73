// Adapters: nothing before training, the same merged or as a branch, and PEFT's own.
#include "vlm/lora.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "vlm/generate.h"
#include "vlm/oracle_cases.h"

namespace beholder::vlm {
namespace {

using ::testing::HasSubstr;

const LoraOptions kAll{.r = 4, .alpha = 6, .target_modules = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}};

// Draws every B, so that the branch does something.
void draw_b(Model& model, const std::vector<std::string>& pairs) {
  for (const std::string& name : pairs) {
    if (!name.ends_with("lora_B.weight")) continue;
    at::Tensor b = model.params[name].to(at::kFloat).clone();
    Rng rng(5, stable_hash(name));
    for (std::int64_t i = 0; i < b.numel(); ++i) b.data_ptr<float>()[i] = static_cast<float>(0.1 * rng.normal());
    model.params.set(name, b.to(model.params[name].scalar_type()));
  }
}

// Saves the adapter over the tiny checkpoint and loads the folder: the merged model.
Model merged_of(const Model& branch, const LoadOptions& options = {}) {
  TempDir dir;
  save_adapter(branch, {.base_model = kData + "/tiny", .r = kAll.r, .lora_alpha = kAll.alpha, .target_modules = kAll.target_modules},
               dir.path(), at::kFloat);
  return load_model(dir.path(), options);
}

at::Tensor all_logits(const Model& model, const Segment& prompt) {
  const at::NoGradGuard no_grad;
  const Packed packed = pack(model.config, {&prompt, 1});
  return logits(model, forward(model, packed), at::arange(packed.ids_T.size(0), at::kLong));
}

TEST(LoraInvariant, AFreshAdapterChangesNoBit) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Loaded loaded("tiny");
    loaded.model.dtype = dtype;
    const Segment prompt = prompt_of(loaded, "pair_mixed");
    const at::Tensor before = all_logits(loaded.model, prompt);
    const auto pairs = add_lora(loaded.model, kAll, 1);
    EXPECT_EQ(pairs.size(), static_cast<std::size_t>(2 * 7 * loaded.model.config.text.num_layers));
    EXPECT_TRUE(at::equal(all_logits(loaded.model, prompt), before));
    draw_b(loaded.model, pairs);
    EXPECT_FALSE(at::equal(all_logits(loaded.model, prompt), before));
  }
}

TEST(LoraInvariant, AIsUniformAndKeyedByTheSeed) {
  const LoraOptions wide{.r = 64, .alpha = 64, .target_modules = {"0.mlp.down_proj"}};
  Loaded one("tiny"), two("tiny"), other("tiny");
  const auto pairs = add_lora(one.model, wide, 1);
  ASSERT_EQ(pairs.size(), 2U);
  add_lora(two.model, wide, 1);
  add_lora(other.model, wide, 2);
  const at::Tensor& a = one.model.params[pairs[0]];
  EXPECT_TRUE(at::equal(a, two.model.params[pairs[0]]));
  EXPECT_FALSE(at::equal(a, other.model.params[pairs[0]]));
  const double bound = 1 / std::sqrt(static_cast<double>(a.size(1)));
  EXPECT_LE(a.abs().max().item<double>(), bound);
  EXPECT_NEAR(a.std().item<double>(), bound / std::sqrt(3.0), 0.02 * bound);
  EXPECT_NEAR(a.mean().item<double>(), 0, 0.02 * bound);
}

// Tolerances relative to the logits' size: rounding of the stored dtype, seen through all layers.
TEST(LoraInvariant, MergedEqualsTheBranch) {
  for (const auto& [dtype, tolerance] : {std::pair{at::kDouble, 1e-6}, {at::kFloat, 1e-5}, {at::kBFloat16, 0.06}}) {
    Loaded loaded("tiny");
    for (const ParamSpec& spec : param_specs(loaded.model.config))
      loaded.model.params.set(spec.name, loaded.model.params[spec.name].to(dtype));
    loaded.model.dtype = dtype;
    draw_b(loaded.model, add_lora(loaded.model, kAll, 1));
    const Segment prompt = prompt_of(loaded, "pair_mixed");
    const Model merged = merged_of(loaded.model, {.dtype = dtype, .device = at::kCPU});
    EXPECT_EQ(merged.lora_scale, 0);
    EXPECT_EQ(merged.params.all().size(), param_specs(merged.config).size());
    EXPECT_LT(relative_error(all_logits(loaded.model, prompt), all_logits(merged, prompt)), tolerance) << at::toString(dtype);
  }
}

TEST(LoraInvariant, SamplingGoesThroughTheBranch) {
  Loaded loaded("tiny");
  SamplingOptions options;
  options.max_new_tokens = 16;
  options.seed = 4;
  const Request request{prompt_of(loaded, "wide_300x200"), 3, 1};
  const auto base = ModelSampler(loaded.model).sample({&request, 1}, options);
  draw_b(loaded.model, add_lora(loaded.model, kAll, 1));
  const Model merged = merged_of(loaded.model);
  const auto branch = ModelSampler(loaded.model).sample({&request, 1}, options),
             folded = ModelSampler(merged).sample({&request, 1}, options);
  for (std::size_t g = 0; g < 3; ++g) {
    EXPECT_EQ(branch[0][g].ids, folded[0][g].ids);
    for (std::size_t i = 0; i < branch[0][g].ids.size(); ++i) EXPECT_NEAR(branch[0][g].logprobs[i], folded[0][g].logprobs[i], 1e-4);
  }
  EXPECT_NE(branch[0][0].ids, base[0][0].ids);
}

TEST(Lora, ATargetThatIsNotThereIsNamed) {
  for (const char* target : {"qkv_proj", "roj", "merger.mlp.0", "embed_tokens"}) {
    Loaded loaded("tiny");
    try {
      add_lora(loaded.model, {.target_modules = {"q_proj", target}}, 1);
      ADD_FAILURE() << target << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kUsage);
      EXPECT_THAT(e.what(), HasSubstr(target));
      EXPECT_THAT(e.what(), HasSubstr("down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"));
    }
  }
}

void expect_refused(const std::string& module, std::vector<std::int64_t> a, std::vector<std::int64_t> b, const std::string& part) {
  TempDir dir;
  const at::Tensor ta = at::zeros(a), tb = at::zeros(b);
  hf::write_safetensors(dir / hf::kAdapterWeights, {tensor_view("base_model.model." + module + ".lora_A.weight", ta),
                                                    tensor_view("base_model.model." + module + ".lora_B.weight", tb)});
  write_file_atomic(dir / hf::kAdapterConfig,
                    hf::adapter_config_text({.base_model = kData + "/tiny", .r = 4, .lora_alpha = 4, .target_modules = {}}));
  try {
    load_model(dir.path());
    ADD_FAILURE() << "accepted; expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUnsupported);
    EXPECT_THAT(e.what(), HasSubstr(part));
    EXPECT_THAT(e.what(), HasSubstr(module));
  }
}

TEST(Lora, AnAdapterThatDoesNotFitIsRefused) {
  const auto& t = Loaded("tiny").model.config.text;
  const std::string q = "model.language_model.layers.0.self_attn.q_proj";
  const std::int64_t in = t.hidden_size, out = t.num_heads * t.head_dim;
  expect_refused("model.language_model.layers.99.self_attn.q_proj", {4, in}, {out, 4}, "a module that the model does not have");
  expect_refused("model.visual.patch_embed.proj", {4, in}, {out, 4}, "a module that the model does not have");
  expect_refused("model.language_model.embed_tokens", {4, in}, {out, 4}, "a module that the model does not have");
  expect_refused(q, {8, in}, {out, 8}, format("is [8, {}], not [4, {}]", in, in));
  expect_refused(q, {4, in}, {out + 1, 4}, format("is [{}, 4], not [{}, 4]", out + 1, out));
}

TEST(LoraOracle, AnAdapterFromPeftGivesItsLogits) {
  Loaded loaded("tiny");
  loaded.model = load_model(kData + "/adapter");
  const Json summary = read_json(kData + "/adapter/summary.json");
  ASSERT_EQ(summary["cases"].size(), 3U);
  for (const Json& info : summary["cases"]) {
    const std::string name = info["name"];
    const hf::SafeTensors theirs = hf::SafeTensors::open(kData + "/adapter/" + name + ".logits.safetensors");
    const at::Tensor ours = loaded.trace(find_case(name))["logits"].index_select(0, read(theirs, "logits_rows"));
    EXPECT_LE((ours - read(theirs, "logits")).abs().max().item<double>(), 2e-4 * info["logit_std"].get<double>()) << name;
    EXPECT_GT(info["moved_by"].get<double>(), 1) << "the adapter does nothing";
  }
}

}  // namespace
}  // namespace beholder::vlm
