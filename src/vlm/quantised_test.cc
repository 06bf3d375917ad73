// Weights in 8 and 4 bits: the codes, the product, and a model that samples with them.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "core/error.h"
#include "vlm/generate.h"
#include "vlm/oracle_cases.h"
#include "vlm/quantise_model.h"
#include "vlm/quantised.h"

namespace beholder::vlm {
namespace {

// Whole groups at their grid points come back as they were; others within half a step of their group's scale.
TEST(Quantised, CodesComeBackWithinHalfAStep) {
  for (const int bits : {8, 4}) {
    const at::Tensor w = at::randn({48, 96}), back = dequantise(quantise(w, bits), at::kFloat);
    const at::Tensor groups = w.view({48, 3, 32}), error = (back - w).view({48, 3, 32}).abs();
    // With four bits the far end may be cut off, in exchange for a smaller step.
    const double step = bits == 8 ? 1.0 / 127 : 1.0 / 8, allowed = bits == 8 ? 0.502 : 2.6;
    EXPECT_TRUE((error <= allowed * step * groups.abs().amax(-1, true)).all().item<bool>()) << bits;
    EXPECT_LT((back - w).norm().item<double>() / w.norm().item<double>(), bits == 8 ? 0.006 : 0.09) << bits;
    EXPECT_LT(relative_error(dequantise(quantise(back, bits), at::kFloat), back), 1e-3) << bits;
  }
  const at::Tensor nothing = at::zeros({16, 32});
  EXPECT_TRUE(dequantise(quantise(nothing, 4), at::kFloat).equal(nothing));
}

// Against the same rounding written with tensors, in double: every number of rows, matrices of several sizes in one call, both paths.
TEST(QuantisedInvariant, ProductsEqualTheExpandedOnes) {
  const std::int64_t k = 160;
  const at::Tensor all = at::randn({19, k}), groups = all.view({19, k / 32, 32}), step = groups.abs().amax(-1, true) / 127;
  const at::Tensor rounded = ((groups / step).round() * step).view({19, k}).to(at::kDouble);
  for (const auto& [bits, plain] : {std::pair{8, false}, {8, true}, {4, false}, {4, true}}) {
    const Quantised a = quantise(at::randn({16 * 9, k}), bits), b = quantise(at::randn({16, k}), bits);
    const at::Tensor bias = at::randn({16});
    for (std::int64_t rows = 1; rows <= 19; ++rows) {
      const std::vector<QuantisedFactor> factors{{&a, {}}, {&b, bias}};
      const std::vector<at::Tensor> y = quantised_linear(all.narrow(0, 0, rows), factors, plain);
      const at::Tensor x = rounded.narrow(0, 0, rows);
      EXPECT_LT(relative_error(y[0].to(at::kDouble), at::linear(x, dequantise(a, at::kDouble))), 1e-6) << bits << " " << rows;
      EXPECT_LT(relative_error(y[1].to(at::kDouble), at::linear(x, dequantise(b, at::kDouble), bias.to(at::kDouble))), 1e-6);
      EXPECT_TRUE(y[0].narrow(0, 0, 1).equal(quantised_linear(all.narrow(0, 0, 1), factors, plain)[0])) << "depends on its neighbours";
    }
  }
}

struct QuantisedJudge {
  explicit QuantisedJudge(int bits) : exact("embedded"), model(exact.model) { quantise_model(model, bits); }
  Loaded exact;
  Model model;
};

TEST(Quantised, TheDecoderLeavesItsMatricesAndTheLogitsStayClose) {
  const at::NoGradGuard no_grad;
  for (const auto& [bits, tolerance] : {std::pair{8, 0.01}, {4, 0.15}}) {
    const QuantisedJudge q(bits);
    EXPECT_EQ(q.model.quantised.size(), 7 * static_cast<std::size_t>(q.model.config.text.num_layers) + 1);
    EXPECT_EQ(q.model.params.find("model.layers.0.mlp.up_proj.weight"), nullptr);
    EXPECT_NE(q.model.params.find("model.embed_tokens.weight"), nullptr);
    const Segment prompt = prompt_of(q.exact, "pair_mixed");
    const Packed packed = pack(q.model.config, {&prompt, 1});
    const at::Tensor rows = at::arange(packed.ids_T.size(0), at::kLong);
    const at::Tensor wide = logits(q.exact.model, forward(q.exact.model, packed), rows);
    const double error = relative_error(logits(q.model, forward(q.model, packed), rows), wide);
    EXPECT_LT(error, tolerance) << bits;
    EXPECT_GT(error, 0) << bits;
  }
}

// A decoding step rounds its activations, the packed forward does not: close, not equal.
TEST(QuantisedInvariant, SampledLogProbabilitiesAreThePackedForwardsButForRounding) {
  const QuantisedJudge q(8);
  const Request request{prompt_of(q.exact, "pair_mixed"), 4, 1};
  SamplingOptions options;
  options.max_new_tokens = 16;
  const auto completions = ModelSampler(q.model).sample({&request, 1}, options)[0];
  const at::NoGradGuard no_grad;
  for (const Completion& c : completions) {
    const std::vector<Segment> segments = {request.prompt, {c.ids, {}, 0}};
    const Packed packed = pack(q.model.config, segments);
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < c.ids.size(); ++i) rows.push_back(packed.predictor(1, static_cast<std::int64_t>(i)));
    const at::Tensor scored =
        token_logprobs(q.model, forward(q.model, packed), at::tensor(rows, at::kLong), at::tensor(c.ids, at::kLong), 1);
    // Activations of a decoding step are rounded to 8 bits: 0.01 to 0.035 by checkpoint, far less than a wrong product would make.
    EXPECT_LT((scored - at::tensor(c.logprobs)).abs().mean().item<double>(), 0.05);
  }
}

TEST(QuantisedInvariant, ASampleDoesNotDependOnItsBatch) {
  const QuantisedJudge q(4);
  const Request one{prompt_of(q.exact, "wide_300x200"), 3, 2};
  const std::vector<Request> many = {{prompt_of(q.exact, "pair_mixed"), 3, 1}, one, {prompt_of(q.exact, "text_only"), 3, 3}};
  SamplingOptions options;
  options.max_new_tokens = 20;
  options.seed = 11;
  const auto alone = ModelSampler(q.model).sample({&one, 1}, options);
  const auto together = ModelSampler(q.model).sample(many, options);
  for (std::size_t g = 0; g < 3; ++g) EXPECT_EQ(alone[0][g].ids, together[1][g].ids) << g;
}

TEST(Quantised, AModelWhoseMatricesDoNotFitIsRefused) {
  Loaded loaded("tiny");
  for (const auto& [name, value] : loaded.model.params.all())
    if (name.ends_with("_proj.weight")) loaded.model.params.set(name, value.slice(0, 1));
  try {
    quantise_model(loaded.model, 8);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUnsupported);
  }
}

}  // namespace
}  // namespace beholder::vlm
