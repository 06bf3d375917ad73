// The kernels of src/vlm on the shapes of the 3B geometry, beside what ATen has for the same work: bytes or operations a second, to be held
// against what the machine can read and multiply (`bench/run.py` measures both).
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include "vlm/attention.h"
#include "vlm/decode_attention.h"
#include "vlm/few_rows.h"
#include "vlm/fused.h"
#include "vlm/gated.h"
#include "vlm/head_rows.h"
#include "vlm/pick.h"
#include "vlm/quantised.h"

namespace beholder {
namespace {

constexpr std::int64_t kIn = 2048, kOut = 11008;  // a gate of the 3B geometry
constexpr int kCopies = 12;                       // taken in turn, so that no cache holds the weights

at::TensorOptions bf16() {
  return at::TensorOptions(at::kBFloat16);
}

// A label such as "GB/s", counted over real time.
void rate(benchmark::State& state, const char* label, double per_iteration) {
  state.counters[label] = benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

template <typename Product>
void decode_product(benchmark::State& state, double bytes_a_weight, const Product& product) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({state.range(0), kIn}, bf16());
  int turn = 0;
  for (auto _ : state) benchmark::DoNotOptimize(product(turn++ % kCopies, x));
  rate(state, "weight bytes/s", bytes_a_weight * kIn * kOut);
}

void linear_bf16(benchmark::State& state, bool ours) {
  std::vector<at::Tensor> weights;
  for (int i = 0; i < kCopies; ++i) weights.push_back(at::randn({kOut, kIn}, bf16()));
  decode_product(state, 2, [&](int i, const at::Tensor& x) {
    const auto copy = static_cast<std::size_t>(i);
    if (!ours) return at::linear(x, weights[copy]);
    const vlm::Factor factor{weights[copy], {}};
    return vlm::few_rows_linear(x, {&factor, 1})[0];
  });
}
BENCHMARK_CAPTURE(linear_bf16, aten, false)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(linear_bf16, few_rows, true)->Arg(1)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMicrosecond)->UseRealTime();

void linear_quantised(benchmark::State& state, int bits) {
  std::vector<vlm::Quantised> weights;
  for (int i = 0; i < kCopies; ++i) weights.push_back(vlm::quantise(at::randn({kOut, kIn}), bits));
  decode_product(state, (bits + 0.5) / 8, [&](int i, const at::Tensor& x) {
    const vlm::QuantisedFactor factor{&weights[static_cast<std::size_t>(i)], {}};
    return vlm::quantised_linear(x, {&factor, 1})[0];
  });
}
// LibTorch's own kernels for the same, with its layouts: one scale a row in int8, groups of 128 in int4.
void linear_wheel(benchmark::State& state, int bits) {
  struct Packed {
    at::Tensor weights, scales;
  };
  constexpr std::int64_t kGroup = 128;
  std::vector<Packed> weights;
  for (int i = 0; i < kCopies; ++i) {
    const auto levels = at::TensorOptions(bits == 8 ? at::kChar : at::kInt);
    const at::Tensor raw = at::randint(bits == 8 ? -127 : 0, bits == 8 ? 128 : 16, {kOut, kIn}, levels);
    if (bits == 8)
      weights.push_back({raw, at::rand({kOut}, bf16())});
    else
      weights.push_back({at::_convert_weight_to_int4pack_for_cpu(raw, 1), at::rand({kIn / kGroup, kOut, 2}, bf16())});
  }
  decode_product(state, bits / 8.0, [&](int i, const at::Tensor& x) {
    const Packed& w = weights[static_cast<std::size_t>(i)];
    return bits == 8 ? at::_weight_int8pack_mm(x, w.weights, w.scales) : at::_weight_int4pack_mm_for_cpu(x, w.weights, kGroup, w.scales);
  });
}
BENCHMARK_CAPTURE(linear_quantised, int8, 8)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(linear_wheel, int8, 8)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(linear_quantised, int4, 4)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(linear_wheel, int4, 4)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Eight continuations of one prompt of 768 tokens, 64 tokens on.
void decode_attention(benchmark::State& state) {
  constexpr std::int64_t kGroup = 8, kKeys = 2, kHeads = 16, kD = 128, kPrefix = 768, kSuffix = 128;
  const at::Tensor q = at::randn({kGroup, kHeads, kD}), prefix_k = at::randn({1, kKeys, kD, kPrefix});
  const at::Tensor prefix_v = at::randn({1, kKeys, kPrefix, kD}), suffix_k = at::randn({kGroup, kKeys, kD, kSuffix});
  const at::Tensor suffix_v = at::randn({kGroup, kKeys, kSuffix, kD});
  at::Tensor out = at::empty_like(q);
  const std::int64_t length = kPrefix;
  const std::vector<std::int64_t> request_of(kGroup, 0);
  for (auto _ : state)
    vlm::decode_attend({q.const_data_ptr<float>(), prefix_k.const_data_ptr<float>(), prefix_v.const_data_ptr<float>(),
                        suffix_k.const_data_ptr<float>(), suffix_v.const_data_ptr<float>(), &length, request_of.data(),
                        out.data_ptr<float>(), kGroup, kKeys, kHeads, kD, kPrefix, kSuffix, 64});
  rate(state, "FLOP/s", 4.0 * kGroup * kHeads * kD * (kPrefix + 64));
}
BENCHMARK(decode_attention)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Eight completions of 128 tokens behind a prompt of 384, forward and backward, in the 100 M geometry.
void shared_attention(benchmark::State& state, at::ScalarType type) {
  constexpr std::int64_t kGroup = 8, kKeys = 2, kHeads = 12, kD = 64, kPrefix = 384, kSuffix = 128;
  std::vector<vlm::Span> spans = {{0, kPrefix, -1}};
  for (std::int64_t g = 0; g < kGroup; ++g) spans.push_back({kPrefix + g * kSuffix, kSuffix, 0});
  const vlm::AttentionPlan plan = vlm::plan_tree(spans, at::kCPU);
  const auto rows = [&](std::int64_t heads) { return at::randn({kPrefix + kGroup * kSuffix, heads, kD}).to(type).set_requires_grad(true); };
  const at::Tensor q = rows(kHeads), k = rows(kKeys), v = rows(kKeys);
  for (auto _ : state) {
    vlm::attend(q, k, v, plan).sum().backward();
    for (const at::Tensor& x : {q, k, v}) x.mutable_grad().reset();
  }
  constexpr double kScores = kPrefix * kPrefix / 2.0 + kGroup * kSuffix * (kPrefix + kSuffix / 2.0);
  rate(state, "FLOP/s", 14.0 * kHeads * kD * kScores);  // two products forward, five backward
}
BENCHMARK_CAPTURE(shared_attention, float32, at::kFloat)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(shared_attention, bf16, at::kBFloat16)->Unit(benchmark::kMicrosecond)->UseRealTime();

// A prompt of 768 tokens in the 3B geometry, forward, beside ATen's attention.
void prompt_attention(benchmark::State& state, bool ours) {
  const at::NoGradGuard no_grad;
  constexpr std::int64_t kKeys = 2, kHeads = 16, kD = 128, kPrompt = 768;
  const std::vector<vlm::Span> spans = {{0, kPrompt, -1}};
  const vlm::AttentionPlan plan = vlm::plan_tree(spans, at::kCPU);
  const at::Tensor q = at::randn({kPrompt, kHeads, kD}, bf16()), k = at::randn({kPrompt, kKeys, kD}, bf16()), v = at::randn_like(k);
  const auto turned = [](const at::Tensor& x) { return x.transpose(0, 1).unsqueeze(0); };
  for (auto _ : state)
    benchmark::DoNotOptimize(ours ? vlm::attend(q, k, v, plan)
                                  : at::scaled_dot_product_attention(turned(q), turned(k), turned(v), {}, 0.0, true, std::nullopt, true));
  rate(state, "FLOP/s", 2.0 * kHeads * kD * kPrompt * kPrompt);
}
BENCHMARK_CAPTURE(prompt_attention, ours, true)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(prompt_attention, wheel, false)->Unit(benchmark::kMicrosecond)->UseRealTime();

void norm(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({state.range(0), kIn}, bf16()), w = at::ones({kIn}, bf16());
  for (auto _ : state) benchmark::DoNotOptimize(vlm::rms_normalise(x, w, 1e-6));
  rate(state, "bytes/s", 4.0 * static_cast<double>(x.numel()));
}
BENCHMARK(norm)->Arg(8)->Arg(2048)->Unit(benchmark::kMicrosecond)->UseRealTime();

// The gate of a feed-forward part of the 100 M geometry for a prompt of 384 tokens and eight completions of 128, forward and backward.
void gate(benchmark::State& state, bool ours) {
  const auto leaf = [] { return at::randn({1408, 2048}).to(at::kBFloat16).set_requires_grad(true); };
  const at::Tensor gate = leaf(), up = leaf(), upstream = at::randn({1408, 2048}).to(at::kBFloat16);
  for (auto _ : state) {
    (ours ? vlm::silu_times(gate, up) : at::silu(gate) * up).backward(upstream);
    for (const at::Tensor& x : {gate, up}) x.mutable_grad().reset();
  }
}
BENCHMARK_CAPTURE(gate, ours, true)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(gate, wheel, false)->Unit(benchmark::kMicrosecond)->UseRealTime();

void rotary(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({state.range(0), 16, 128}, bf16());
  const at::Tensor angle = at::randn({state.range(0), 64}), cos = angle.cos().to(at::kBFloat16), sin = angle.sin().to(at::kBFloat16);
  for (auto _ : state) benchmark::DoNotOptimize(vlm::rotate_pairs(x, cos, sin));
  rate(state, "bytes/s", 4.0 * static_cast<double>(x.numel()));
}
BENCHMARK(rotary)->Arg(8)->Arg(2048)->Unit(benchmark::kMicrosecond)->UseRealTime();

// A token of a vocabulary of 151,936, by loops and by tensor operations.
void pick(benchmark::State& state, bool loops) {
  const at::NoGradGuard no_grad;
  const at::Tensor logits = at::randn({state.range(0), 151936}) * 3;
  vlm::SamplingOptions options;
  options.banned_ids = {151665, 151666};
  const std::vector<vlm::DrawKey> keys(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(loops ? vlm::pick_on_host(logits, keys, options) : vlm::pick_in_place(logits, keys, options));
}
BENCHMARK_CAPTURE(pick, loops, true)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(pick, tensors, false)->Arg(1)->Arg(8)->Unit(benchmark::kMicrosecond)->UseRealTime();

// The head's rows of a vocabulary of 151,936: log-probabilities, normalisers and entropies.
void head_rows(benchmark::State& state) {
  const at::Tensor logits = at::randn({state.range(0), 151936}, bf16());
  const at::Tensor target = at::randint(151936, {state.range(0)}, at::kLong);
  at::Tensor logprob = at::empty({state.range(0)}), normaliser = at::empty_like(logprob), entropy = at::empty_like(logprob);
  for (auto _ : state) vlm::score_rows(logits, target, 1, logprob, normaliser, &entropy);
  rate(state, "bytes/s", 2.0 * static_cast<double>(logits.numel()));
}
BENCHMARK(head_rows)->Arg(27)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace beholder
