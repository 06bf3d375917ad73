// What the rooms cost on this machine: google-benchmark cases over the embedded judge and made-up inputs.
//   build/beholder_bench --benchmark_filter=sample      (all flags of google-benchmark; --benchmark_out=build/bench.json for a record)
#include <ATen/CPUFunctions.h>
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <string>

#include "core/file.h"
#include "core/rng.h"
#include "judge/judge_model.h"
#include "judge/prompt.h"
#include "media/image.h"
#include "media/preprocess.h"
#include "vlm/gemm.h"
#include "vlm/generate.h"
#include "world/thought.h"

namespace beholder {
namespace {

const judge::JudgeModel& embedded() {
  static const judge::JudgeModel model = judge::load_judge_model(std::string(BEHOLDER_SOURCE_DIR) + "/models/embedded");
  return model;
}

media::Image noise_image(int side) {
  Rng rng(1);
  media::Image image{side, side, {}};
  image.rgb.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  for (auto& value : image.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return image;
}

// A pair of the world's pictures with the judge's question.
vlm::Segment pair_prompt() {
  const judge::JudgeSpec& spec = embedded().spec;
  const world::Item item = world::make_item({}, world::Split::kTest, 1);
  std::vector<vlm::Media> media;
  for (const media::Image& image : world::render_item(item)) media.push_back(judge::prepare_image(image, spec.patches));
  return judge::judge_segment(spec.tokenizer, spec.config, media, item.prompt.text(), judge::AnswerKind::kSoft);
}

void decode_png(benchmark::State& state) {
  const std::string png = media::encode_png(noise_image(static_cast<int>(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(media::decode_image(std::as_bytes(std::span(png)), "bench"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_png)->Arg(512)->Unit(benchmark::kMillisecond);

void resize_and_patchify(benchmark::State& state) {
  const media::Image image = noise_image(static_cast<int>(state.range(0)));
  const media::PatchConfig config;
  for (auto _ : state) benchmark::DoNotOptimize(media::patchify(image, config));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resize_and_patchify)->Arg(224)->Arg(512)->Arg(1000)->Unit(benchmark::kMillisecond);

void tokenize(benchmark::State& state) {
  std::string text;
  for (const std::string& line : world::corpus(1, 400)) text += line + "\n";
  for (auto _ : state) benchmark::DoNotOptimize(embedded().spec.tokenizer.encode(text, hf::Specials::kPlain));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(tokenize)->Unit(benchmark::kMillisecond);

void packed_forward(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const std::vector<vlm::Segment> prompts(static_cast<std::size_t>(state.range(0)), pair_prompt());
  const vlm::Packed packed = vlm::pack(embedded().spec.config, prompts);
  for (auto _ : state) benchmark::DoNotOptimize(vlm::forward(embedded().model, packed));
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(packed.ids_T.size(0)), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(packed_forward)->Arg(1)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

void group_sample(benchmark::State& state) {
  const vlm::Request request{pair_prompt(), static_cast<int>(state.range(0)), 0};
  vlm::SamplingOptions options;
  options.max_new_tokens = 64;
  vlm::ModelSampler sampler(embedded().model);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.sample({&request, 1}, options));
  state.counters["tokens/s"] =
      benchmark::Counter(64.0 * static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(group_sample)->Arg(1)->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();

// A layer's product in float32: by the library that ATen asks, and by oneDNN in pieces.
void multiply(benchmark::State& state, at::Tensor (*product)(const at::Tensor&, const at::Tensor&)) {
  const at::Tensor a = at::randn({state.range(0), 128}), b = at::randn({384, 128}).t();
  for (auto _ : state) benchmark::DoNotOptimize(product(a, b));
  state.counters["FLOP/s"] =
      benchmark::Counter(2.0 * 128 * 384 * static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(multiply, aten, at::cpu::mm)->Arg(96)->Arg(6000)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(multiply, in_pieces, vlm::multiply_in_pieces)->Arg(96)->Arg(6000)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace beholder

BENCHMARK_MAIN();
