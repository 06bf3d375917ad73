// The vocabulary head, in chunks of rows so that [T, V] never exists. Letters: R rows asked for, D width, V vocabulary.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "vlm/layers.h"
#include "vlm/packed.h"

namespace beholder::vlm {
namespace {

constexpr std::int64_t kChunkElements = 1 << 22;  // float32 logits held at once: 16 MB

std::int64_t chunk_rows(std::int64_t vocabulary) {
  return std::max<std::int64_t>(16, kChunkElements / vocabulary);
}

// Probabilities are computed in float32, or in double where everything is.
at::ScalarType wide(const at::Tensor& t) {
  return t.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor head_weight(const Model& model) {
  return model.config.text.tie_word_embeddings ? weight(model, "model.embed_tokens.weight") : matrix(model, "lm_head");
}

// log softmax(h W^T / temperature)[target], with the logits recomputed in the backward pass.
class ChunkedLogProb : public torch::autograd::Function<ChunkedLogProb> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& h_RD, const at::Tensor& w_VD,
                            const at::Tensor& target_R, double temperature, at::Tensor* entropies) {
    const std::int64_t rows = h_RD.size(0), step = chunk_rows(w_VD.size(0));
    at::Tensor logprob = at::empty({rows}, h_RD.options().dtype(wide(h_RD))), normaliser = at::empty_like(logprob);
    if (entropies) *entropies = at::empty_like(logprob);
    for (std::int64_t begin = 0; begin < rows; begin += step) {
      const std::int64_t n = std::min(step, rows - begin);
      const at::Tensor logits = at::linear(h_RD.narrow(0, begin, n), w_VD).to(wide(h_RD)).div_(temperature);
      const at::Tensor lse = logits.logsumexp(-1);
      normaliser.narrow(0, begin, n).copy_(lse);
      logprob.narrow(0, begin, n).copy_(logits.gather(1, target_R.narrow(0, begin, n).unsqueeze(1)).squeeze(1) - lse);
      if (entropies) entropies->narrow(0, begin, n).copy_(lse - (logits - lse.unsqueeze(1)).exp_().mul_(logits).sum(-1));
    }
    context->save_for_backward({h_RD, w_VD, target_R, normaliser});
    context->saved_data["temperature"] = temperature;
    return logprob;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &h = saved[0], &w = saved[1], &target = saved[2], &normaliser = saved[3];
    const double temperature = context->saved_data["temperature"].toDouble();
    const std::int64_t rows = h.size(0), step = chunk_rows(w.size(0));
    at::Tensor grad_h = at::empty_like(h), grad_w;  // a frozen head has none
    if (context->needs_input_grad(1)) grad_w = at::zeros(w.sizes(), w.options().dtype(wide(w)));
    for (std::int64_t begin = 0; begin < rows; begin += step) {
      const std::int64_t n = std::min(step, rows - begin);
      const at::Tensor chunk = h.narrow(0, begin, n), upstream = gradients[0].narrow(0, begin, n).unsqueeze(1) / temperature;
      at::Tensor grad =
          at::linear(chunk, w).to(wide(h)).div_(temperature).sub_(normaliser.narrow(0, begin, n).unsqueeze(1)).exp_().mul_(-upstream);
      grad.scatter_add_(1, target.narrow(0, begin, n).unsqueeze(1), upstream);
      const at::Tensor narrow = grad.to(h.scalar_type());
      grad_h.narrow(0, begin, n).copy_(at::matmul(narrow, w));
      if (grad_w.defined()) grad_w.add_(at::matmul(narrow.t(), chunk).to(wide(w)));
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
  return at::linear(at::embedding(hidden_TD, rows.to(hidden_TD.device())), at::embedding(head_weight(model), chosen)).to(wide(hidden_TD));
}

at::Tensor token_logprobs(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows, const at::Tensor& targets,
                          double temperature, at::Tensor* entropies) {
  const at::Tensor picked = at::embedding(hidden_TD, rows.to(hidden_TD.device()));
  return ChunkedLogProb::apply(picked, head_weight(model), targets.to(hidden_TD.device()), temperature, entropies);
}

}  // namespace beholder::vlm
