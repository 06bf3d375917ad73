// The vocabulary head, in chunks of rows so that [T, V] never exists. Letters: R rows asked for, D width, V vocabulary.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "vlm/head_rows.h"
#include "vlm/layers.h"
#include "vlm/packed.h"

namespace beholder::vlm {

std::int64_t head_chunk_rows(std::int64_t vocabulary) {
  constexpr std::int64_t kElements = 1 << 22;
  return std::max<std::int64_t>(16, kElements / vocabulary);
}

namespace {

// Probabilities are computed in float32, or in double where everything is.
at::ScalarType wide_type(const at::Tensor& t) {
  return t.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor head_weight(const Model& model) {
  return model.config.text.tie_word_embeddings ? weight(model, "model.embed_tokens.weight") : matrix(model, "lm_head");
}

// What score_rows and gradient_rows of head_rows.h do, from logits over the temperature, by ATen's operations.
void compose_scores(const at::Tensor& z, const at::Tensor& target, at::Tensor& logprob, at::Tensor& normaliser, at::Tensor* entropy) {
  const at::Tensor lse = z.logsumexp(-1);
  normaliser.copy_(lse);
  logprob.copy_(z.gather(1, target.unsqueeze(1)).squeeze(1) - lse);
  if (entropy) entropy->copy_(lse - ((z - lse.unsqueeze(1)).exp_() * z).sum(-1));
}
at::Tensor compose_gradient(const at::Tensor& z, const at::Tensor& target, const at::Tensor& normaliser, const at::Tensor& upstream) {
  at::Tensor grad = z.sub(normaliser.unsqueeze(1)).exp_().mul_(-upstream.unsqueeze(1));
  return grad.scatter_add_(1, target.unsqueeze(1), upstream.unsqueeze(1));
}

// log softmax(h W^T / temperature)[target], with the logits recomputed in the backward pass.
class ChunkedLogProb : public torch::autograd::Function<ChunkedLogProb> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& h_RD, const at::Tensor& w_VD,
                            const at::Tensor& target_R, double temperature, at::Tensor* entropies) {
    const std::int64_t rows = h_RD.size(0), step = head_chunk_rows(w_VD.size(0));
    at::Tensor logprob = at::empty({rows}, h_RD.options().dtype(wide_type(h_RD))), normaliser = at::empty_like(logprob);
    if (entropies) *entropies = at::empty_like(logprob);
    for (std::int64_t begin = 0; begin < rows; begin += step) {
      const std::int64_t n = std::min(step, rows - begin);
      const at::Tensor logits = at::linear(h_RD.narrow(0, begin, n), w_VD), target = target_R.narrow(0, begin, n);
      at::Tensor own = logprob.narrow(0, begin, n), lse = normaliser.narrow(0, begin, n),
                 entropy = entropies ? entropies->narrow(0, begin, n) : at::Tensor();
      if (has_row_loops(logits))
        score_rows(logits, target, temperature, own, lse, entropies ? &entropy : nullptr);
      else
        compose_scores(logits.to(wide_type(h_RD)).div_(temperature), target, own, lse, entropies ? &entropy : nullptr);
    }
    context->save_for_backward({h_RD, w_VD, target_R, normaliser});
    context->saved_data["temperature"] = temperature;
    return logprob;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &h = saved[0], &w = saved[1], &target = saved[2], &normaliser = saved[3];
    const double temperature = context->saved_data["temperature"].toDouble();
    const std::int64_t rows = h.size(0), step = head_chunk_rows(w.size(0));
    const at::Tensor upstream = gradients[0].contiguous();
    at::Tensor grad_h = at::empty_like(h), grad_w;  // a frozen head has none
    if (context->needs_input_grad(1)) grad_w = at::zeros(w.sizes(), w.options().dtype(wide_type(w)));
    for (std::int64_t begin = 0; begin < rows; begin += step) {
      const std::int64_t n = std::min(step, rows - begin);
      const at::Tensor chunk = h.narrow(0, begin, n);
      at::Tensor logits = at::linear(chunk, w);
      if (has_row_loops(logits))
        gradient_rows(logits, target.narrow(0, begin, n), temperature, normaliser.narrow(0, begin, n), upstream.narrow(0, begin, n));
      else
        logits = compose_gradient(logits.to(wide_type(h)).div_(temperature), target.narrow(0, begin, n), normaliser.narrow(0, begin, n),
                                  upstream.narrow(0, begin, n) / temperature)
                     .to(h.scalar_type());
      grad_h.narrow(0, begin, n).copy_(at::matmul(logits, w));
      if (grad_w.defined()) grad_w.add_(at::matmul(logits.t(), chunk).to(wide_type(w)));
    }
    return {grad_h, grad_w.defined() ? grad_w.to(w.scalar_type()) : grad_w, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor logits(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows) {
  const at::Tensor hidden = hidden_TD.index_select(0, rows.to(hidden_TD.device()));
  if (const auto head = model.quantised.find("lm_head"); head != model.quantised.end()) {
    const QuantisedFactor factor{&head->second, {}};
    return quantised_linear(hidden, {&factor, 1})[0].to(at::kFloat);
  }
  return product(hidden, head_weight(model)).to(at::kFloat);
}

at::Tensor choice_logits(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows, std::span<const std::int64_t> ids) {
  const at::Tensor chosen = at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), at::kLong).to(hidden_TD.device());
  return at::linear(at::embedding(hidden_TD, rows.to(hidden_TD.device())), at::embedding(head_weight(model), chosen))
      .to(wide_type(hidden_TD));
}

at::Tensor token_logprobs(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows, const at::Tensor& targets,
                          double temperature, at::Tensor* entropies) {
  const at::Tensor picked = at::embedding(hidden_TD, rows.to(hidden_TD.device()));
  return ChunkedLogProb::apply(picked, head_weight(model), targets.to(hidden_TD.device()).contiguous(), temperature, entropies);
}

}  // namespace beholder::vlm
