// The model against transformers (tests/data/vlm, written by tools/oracle_vlm.py) and against itself.
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "core/sha256.h"
#include "vlm/generate.h"
#include "vlm/oracle_cases.h"

namespace beholder::vlm {
namespace {

std::string hash_of(const at::Tensor& t) {
  return sha256_hex(std::span(static_cast<const std::byte*>(t.data_ptr()), t.nbytes()));
}

class CheckpointOracle : public ::testing::TestWithParam<const char*> {};

TEST_P(CheckpointOracle, EveryCaseGivesTheReferenceNumbers) {
  const std::string preset = GetParam();
  const Loaded loaded(preset);
  const Json summary = read_json(kData + "/summary.json");
  for (const Json& info : summary["presets"][preset]["cases"]) {
    const std::string name = info["name"];
    SCOPED_TRACE(preset + "/" + name);
    auto ours = loaded.trace(find_case(name));
    const hf::SafeTensors theirs = hf::SafeTensors::open(kData + "/" + preset + "/" + name + ".safetensors");
    for (const char* key : {"input_ids", "position_ids", "image_grid_thw", "video_grid_thw", "second_per_grid_ts"})
      if (theirs.find(key)) {
        ASSERT_TRUE(ours.count(key)) << key;
        EXPECT_TRUE(at::equal(ours[key], read(theirs, key))) << key;
      }
    for (const char* key : {"pixel_values", "pixel_values_videos"})
      if (info.contains(std::string(key) + "_sha256")) {
        EXPECT_EQ(hash_of(ours[key]), info[std::string(key) + "_sha256"]) << key;
      }
    for (const char* key :
         {"vision_image", "vision_video", "deepstack_image_0", "deepstack_image_1", "deepstack_video_0", "deepstack_video_1", "logits"}) {
      if (!theirs.find(key)) continue;
      const at::Tensor expected = read(theirs, key), rows = read(theirs, std::string(key) + "_rows");
      const double worst = (ours[key].index_select(0, rows) - expected).abs().max().item<double>();
      EXPECT_LE(worst, 2e-4 * (std::string(key) == "logits" ? info["logit_std"].get<double>() : expected.std().item<double>())) << key;
    }
    const at::Tensor gap = read(theirs, "greedy_gap"), expected = read(theirs, "greedy_ids");
    const auto stops = hf::read_generation_config(checkpoint_dir(preset), loaded.model.config).eos_token_ids;
    for (std::int64_t i = 0; i < expected.numel(); ++i) {
      if (std::count(stops.begin(), stops.end(), ours["greedy_ids"][i].item<std::int64_t>())) break;  // the oracle is made to go on
      if (gap[i].item<double>() <= 1e-3) break;  // a tie: from here on the texts may part
      EXPECT_EQ(ours["greedy_ids"][i].item<std::int64_t>(), expected[i].item<std::int64_t>()) << "greedy token " << i;
      EXPECT_NEAR(ours["greedy_gap"][i].item<double>(), gap[i].item<double>(), 1e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, CheckpointOracle, ::testing::Values("tiny", "tiny_untied", "tiny_qwen2vl", "tiny_qwen3vl", "embedded"),
                         [](const auto& i) { return std::string(i.param); });

class GradientOracle : public ::testing::TestWithParam<const char*> {};

TEST_P(GradientOracle, EveryParameterHasTheReferenceGradient) {
  const std::string preset = GetParam();
  Loaded loaded(preset);
  const std::vector<std::string> names = make_leaves(loaded.model);
  const Json summary = read_json(kData + "/summary.json");
  for (const auto& [name, loss] : summary["presets"][preset]["gradients"].items()) {
    const Segment prompt = prompt_of(loaded, name);
    const at::Tensor value = prompt_loss(loaded.model, prompt);
    EXPECT_NEAR(value.item<double>(), loss.get<double>(), 1e-4);
    value.backward();
    const hf::SafeTensors theirs = hf::SafeTensors::open(kData + "/" + preset + "/" + name + ".gradients.safetensors");
    for (const std::string& parameter : names) {
      const at::Tensor flat = loaded.model.params[parameter].grad().flatten();
      const at::Tensor expected = read(theirs, parameter), norm = read(theirs, parameter + ".norm");
      const std::int64_t step = std::max<std::int64_t>(1, flat.numel() / 512);
      // A key bias moves every score of a row alike, so its true gradient is 0 and both sides hold rounding noise.
      if (norm.item<double>() < 1e-6) continue;
      EXPECT_LT(relative_error(flat.slice(0, 0, c10::nullopt, step), expected), 1e-3) << parameter;
      EXPECT_NEAR(flat.norm().item<double>() / norm.item<double>(), 1.0, 1e-3) << parameter;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, GradientOracle, ::testing::Values("tiny", "tiny_qwen2vl", "tiny_qwen3vl"),
                         [](const auto& i) { return std::string(i.param); });

// Loss and gradients of G completions behind one prompt: shared prefix against one full sequence per completion.
class PrefixInvariant : public ::testing::TestWithParam<const char*> {};

TEST_P(PrefixInvariant, SharedPrefixEqualsReplicated) {
  Loaded loaded(GetParam());
  std::vector<std::string> names;
  for (const auto& [name, value] : loaded.model.params.all()) names.push_back(name);
  for (const std::string& name : names)
    loaded.model.params.set(name, loaded.model.params[name].to(at::kDouble).clone().set_requires_grad(true));
  loaded.model.dtype = at::kDouble;
  const Segment prompt = prompt_of(loaded, "image_and_video");
  const std::vector<std::vector<std::int64_t>> completions = {{5, 6, 7, 8}, {9}, {10, 11}, {12, 13, 14, 15, 16, 17, 18}};
  const auto run = [&](bool shared) {
    std::vector<Segment> segments;
    if (shared) segments.push_back(prompt);
    for (const auto& completion : completions) {
      Segment s = shared ? Segment{completion, {}, 0} : prompt;
      if (!shared) s.ids.insert(s.ids.end(), completion.begin(), completion.end());
      segments.push_back(s);
    }
    const Packed packed = pack(loaded.model.config, segments);
    std::vector<std::int64_t> rows, targets;
    for (std::size_t c = 0; c < completions.size(); ++c)
      for (std::size_t i = 0; i < completions[c].size(); ++i) {
        const auto offset = static_cast<std::int64_t>(shared ? i : prompt.ids.size() + i);
        rows.push_back(packed.predictor(static_cast<int>(shared ? c + 1 : c), offset));
        targets.push_back(completions[c][i]);
      }
    for (const std::string& name : names) loaded.model.params[name].mutable_grad() = at::Tensor();
    const at::Tensor hidden = forward(loaded.model, packed);
    const at::Tensor loss = -token_logprobs(loaded.model, hidden, at::tensor(rows, at::kLong), at::tensor(targets, at::kLong)).mean();
    loss.backward();
    std::map<std::string, at::Tensor> gradients;
    for (const std::string& name : names) gradients[name] = loaded.model.params[name].grad().clone();
    return std::pair{loss.item<double>(), gradients};
  };
  const auto [shared_loss, shared] = run(true);
  const auto [full_loss, full] = run(false);
  EXPECT_NEAR(shared_loss, full_loss, 1e-6);
  for (const std::string& name : names)
    if (full.at(name).norm().item<double>() > 1e-7) {
      EXPECT_LT(relative_error(shared.at(name), full.at(name)), 1e-5) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Presets, PrefixInvariant, ::testing::Values("tiny", "tiny_qwen3vl"),
                         [](const auto& i) { return std::string(i.param); });

class SamplingInvariant : public ::testing::TestWithParam<const char*> {};

TEST_P(SamplingInvariant, DecodeLogProbabilitiesEqualThePackedForward) {
  const Loaded loaded(GetParam());
  const char* second = loaded.model.config.vision.frame_timestamps ? "image_and_video" : "wide_300x200";
  const std::vector<Request> requests = {
      {prompt_of(loaded, "pair_mixed"), 4, 1}, {prompt_of(loaded, second), 4, 2}, {prompt_of(loaded, "text_only"), 4, 3}};
  SamplingOptions options;
  options.max_new_tokens = 24;
  options.temperature = 0.8;
  options.seed = 3;
  for (std::int64_t id = 100; id < 160; ++id) options.stop_ids.push_back(id);  // random stops, so that groups shrink and are compacted
  const auto results = ModelSampler(loaded.model).sample(requests, options);
  const at::NoGradGuard no_grad;
  double worst = 0;
  int finished = 0;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    std::vector<Segment> segments = {requests[r].prompt};
    std::vector<std::int64_t> rows, targets;
    std::vector<float> sampled;
    for (const Completion& c : results[r]) {
      segments.push_back({c.ids, {}, 0});
      finished += c.finished;
    }
    const Packed packed = pack(loaded.model.config, segments);
    for (std::size_t c = 0; c < results[r].size(); ++c)
      for (std::size_t i = 0; i < results[r][c].ids.size(); ++i) {
        rows.push_back(packed.predictor(static_cast<int>(c + 1), static_cast<std::int64_t>(i)));
        targets.push_back(results[r][c].ids[i]);
        sampled.push_back(results[r][c].logprobs[i]);
      }
    const at::Tensor scored =
        token_logprobs(loaded.model, forward(loaded.model, packed), at::tensor(rows, at::kLong), at::tensor(targets, at::kLong), 0.8);
    worst = std::max(worst, (scored - at::tensor(sampled)).abs().max().item<double>());
  }
  EXPECT_GT(finished, 2) << "the test wants completions of different lengths";
  EXPECT_LT(finished, 12);
  EXPECT_LT(worst, 1e-4);
}

TEST_P(SamplingInvariant, ASampleDoesNotDependOnItsBatch) {
  const Loaded loaded(GetParam());
  const Request one{prompt_of(loaded, "wide_300x200"), 3, 2};
  const std::vector<Request> many = {{prompt_of(loaded, "pair_mixed"), 3, 1}, one, {prompt_of(loaded, "text_only"), 3, 3}};
  SamplingOptions options;
  options.max_new_tokens = 20;
  options.seed = 11;
  const auto alone = ModelSampler(loaded.model).sample({&one, 1}, options);
  const auto together = ModelSampler(loaded.model).sample(many, options);
  for (int g = 0; g < 3; ++g) EXPECT_EQ(alone[0][static_cast<std::size_t>(g)].ids, together[1][static_cast<std::size_t>(g)].ids) << g;
  EXPECT_NE(alone[0][0].ids, alone[0][1].ids);
  ModelSampler at_once(loaded.model), in_turn(loaded.model);
  at_once.sample(many, options);
  options.cache_bytes = 1;
  const auto one_by_one = in_turn.sample(many, options);
  for (std::size_t r = 0; r < many.size(); ++r)
    for (std::size_t g = 0; g < 3; ++g)
      EXPECT_EQ(one_by_one[r][g].ids, together[r][g].ids) << "whatever fits into the memory for keys and values";
  EXPECT_LT(2 * in_turn.cache_bytes(), at_once.cache_bytes() + 2);
  options.cache_bytes = 0;
  const Request too_many{one.prompt, 1 << 30, 2};
  EXPECT_THROW(ModelSampler(loaded.model).sample({&too_many, 1}, options), Error) << "no memory holds their keys and values";
  options.seed = 12;
  EXPECT_NE(ModelSampler(loaded.model).sample({&one, 1}, options)[0][0].ids, alone[0][0].ids);
}

// The loop for the CPU against the step that is the same at every token, as a GPU replays it; the latter is taken for double, too.
TEST_P(SamplingInvariant, TheStepOfTheGpuGivesTheSameCompletions) {
  const Loaded loaded(GetParam());
  Model wide = loaded.model;
  wide.dtype = at::kDouble;
  const std::vector<Request> requests = {{prompt_of(loaded, "pair_mixed"), 4, 1}, {prompt_of(loaded, "text_only"), 4, 3}};
  SamplingOptions options;
  options.max_new_tokens = 24;
  options.seed = 3;
  for (std::int64_t id = 100; id < 160; ++id) options.stop_ids.push_back(id);
  const auto loop = ModelSampler(loaded.model).sample(requests, options), replayed = ModelSampler(wide).sample(requests, options);
  std::set<std::size_t> lengths;
  for (std::size_t r = 0; r < requests.size(); ++r)
    for (std::size_t g = 0; g < loop[r].size(); ++g) {
      ASSERT_EQ(loop[r][g].ids, replayed[r][g].ids);
      for (std::size_t i = 0; i < loop[r][g].ids.size(); ++i) EXPECT_NEAR(loop[r][g].logprobs[i], replayed[r][g].logprobs[i], 1e-4);
      lengths.insert(loop[r][g].ids.size());
    }
  EXPECT_GT(lengths.size(), 2u) << "the test wants groups that are compacted";
}

// Media that come again, in one batch or a later one, go through the tower once; what is sampled does not notice.
TEST_P(SamplingInvariant, KeptFeaturesGiveTheSameCompletions) {
  const Loaded loaded(GetParam());
  const char* second = loaded.model.config.vision.frame_timestamps ? "image_and_video" : "wide_300x200";
  std::vector<Request> requests = {
      {prompt_of(loaded, "pair_mixed"), 2, 1}, {prompt_of(loaded, second), 2, 2}, {prompt_of(loaded, "pair_mixed"), 2, 3}};
  SamplingOptions options;
  options.max_new_tokens = 12;
  options.seed = 4;
  const auto expected = ModelSampler(loaded.model).sample(requests, options);
  std::int64_t media = 0;
  for (Request& r : requests)
    for (std::size_t i = 0; i < r.prompt.media.size(); ++i, ++media) r.prompt.media[i].key = format("{} {}", r.item % 2, i);
  VisionCache cache, narrow(1);
  ModelSampler sampler(loaded.model, &cache), without_room(loaded.model, &narrow);
  for (ModelSampler* s : {&sampler, &sampler, &without_room}) {
    const auto results = s->sample(requests, options);
    for (std::size_t r = 0; r < results.size(); ++r)
      for (std::size_t g = 0; g < results[r].size(); ++g) {
        EXPECT_EQ(results[r][g].ids, expected[r][g].ids);
        for (std::size_t i = 0; i < results[r][g].ids.size(); ++i) EXPECT_NEAR(results[r][g].logprobs[i], expected[r][g].logprobs[i], 1e-4);
      }
  }
  EXPECT_EQ(cache.hits() + cache.misses(), 2 * media);
  EXPECT_EQ(cache.misses(), media - 2) << "the first and the third request show the same two pictures";
  EXPECT_EQ(narrow.misses(), media - 2) << "twice in a batch is once, with room or without";
  const Loaded other(GetParam());
  const auto known = cache.misses();
  ModelSampler(other.model, &cache).sample(requests, options);
  EXPECT_EQ(cache.misses(), 2 * known) << "another model's features are its own";
  ModelSampler(Model(other.model), &cache).sample(requests, options);
  EXPECT_EQ(cache.misses(), 2 * known) << "a copy's are the same";
}

INSTANTIATE_TEST_SUITE_P(Presets, SamplingInvariant, ::testing::Values("tiny", "tiny_qwen3vl"),
                         [](const auto& i) { return std::string(i.param); });

TEST(Sampling, BannedTokensNeverComeAndStopsEnd) {
  const Loaded loaded("tiny");
  const Request request{prompt_of(loaded, "text_only"), 8, 0};
  SamplingOptions options;
  options.max_new_tokens = 40;
  options.temperature = 3;
  for (std::int64_t id = 0; id < 500; ++id) options.banned_ids.push_back(id);
  options.stop_ids = {700};
  options.watch_ids = {600, 601};
  const auto results = ModelSampler(loaded.model).sample({&request, 1}, options);
  for (const Completion& c : results[0]) {
    ASSERT_EQ(c.watched.size(), c.ids.size());
    for (std::size_t i = 0; i < c.ids.size(); ++i) {
      EXPECT_GE(c.ids[i], 500);
      EXPECT_EQ(c.ids[i] == 700, c.finished && i + 1 == c.ids.size());
      EXPECT_LT(c.watched[i][0], 0);
    }
  }
}

TEST(Head, ChunkedLogProbabilitiesAndGradientsEqualTheDirectOnes) {
  Model model;
  model.config.text.tie_word_embeddings = true;
  const std::int64_t vocabulary = 70000, rows = 150, width = 8;  // more than two chunks
  model.params.set("model.embed_tokens.weight", at::randn({vocabulary, width}).set_requires_grad(true));
  at::Tensor hidden = at::randn({rows, width}).set_requires_grad(true);
  const at::Tensor targets = at::randint(vocabulary, {rows}, at::kLong), weights = at::randn({rows});
  at::Tensor entropies;
  (token_logprobs(model, hidden, at::arange(rows, at::kLong), targets, 0.7, &entropies) * weights).sum().backward();
  const at::Tensor grad_hidden = hidden.grad().clone(), grad_weight = model.params["model.embed_tokens.weight"].grad().clone();
  hidden.mutable_grad() = at::Tensor();
  model.params["model.embed_tokens.weight"].mutable_grad() = at::Tensor();
  const at::Tensor all = at::log_softmax(at::linear(hidden, model.params["model.embed_tokens.weight"]) / 0.7, -1);
  const at::Tensor direct = all.gather(1, targets.unsqueeze(1)).squeeze(1);
  EXPECT_LT(relative_error(entropies, -(all.detach().exp() * all.detach()).sum(-1)), 1e-5);
  (direct * weights).sum().backward();
  EXPECT_LT(relative_error(grad_hidden, hidden.grad()), 1e-4);
  EXPECT_LT(relative_error(grad_weight, model.params["model.embed_tokens.weight"].grad()), 1e-4);
}

// The largest block of memory that tensors ask for on this thread.
class LargestBlock : public c10::MemoryReportingInfoBase {
 public:
  std::int64_t bytes = 0;
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override { bytes = std::max(bytes, size); }
  bool memoryProfilingEnabled() const override { return true; }
};

TEST(HeadInvariant, NoTensorHasAllTokensTimesTheVocabulary) {
  Model model;
  model.config.text.tie_word_embeddings = true;
  const std::int64_t vocabulary = 70000, rows = 600, width = 8;
  model.params.set("model.embed_tokens.weight", at::randn({vocabulary, width}).set_requires_grad(true));
  const at::Tensor hidden = at::randn({rows, width}).set_requires_grad(true), targets = at::randint(vocabulary, {rows}, at::kLong);
  const auto largest = std::make_shared<LargestBlock>();
  {
    const c10::DebugInfoGuard watch(c10::DebugInfoKind::PROFILER_STATE, largest);
    at::Tensor entropies;
    token_logprobs(model, hidden, at::arange(rows, at::kLong), targets, 1, &entropies).sum().backward();
  }
  EXPECT_GE(largest->bytes, vocabulary * width * 4) << "the head's gradient was seen";
  EXPECT_LE(largest->bytes, 20 << 20) << "all logits would be 168 MB";
}

TEST(Pack, ARunOfPadsIsOnePictureOrOneFrame) {
  const Loaded loaded("tiny_qwen3vl");
  Segment prompt = prompt_of(loaded, "video_even_4");
  ASSERT_EQ(prompt.media[0].t, 2);
  const Packed packed = pack(loaded.model.config, {&prompt, 1});
  EXPECT_EQ(packed.videos.size(), 1u) << "the tower sees one video";
  EXPECT_EQ(packed.video_rows.numel(), prompt.media[0].h * prompt.media[0].w / 2);
  const auto pad = std::find(prompt.ids.begin(), prompt.ids.end(), loaded.model.config.video_token_id);
  std::iter_swap(pad, pad - 1);  // the mark of the beginning now stands inside the run
  EXPECT_THROW(pack(loaded.model.config, {&prompt, 1}), Error);
}

TEST(Pack, PadsAndFeaturesMustAgree) {
  const Loaded loaded("tiny");
  Segment prompt = prompt_of(loaded, "wide_300x200");
  prompt.ids.erase(std::find(prompt.ids.begin(), prompt.ids.end(), loaded.model.config.image_token_id));
  EXPECT_THROW(pack(loaded.model.config, {&prompt, 1}), Error);
  Segment foreign{{5, 4096}, {}, -1};
  EXPECT_THROW(pack(loaded.model.config, {&foreign, 1}), Error);
}

}  // namespace
}  // namespace beholder::vlm
