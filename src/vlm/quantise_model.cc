#include "vlm/quantise_model.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"
#include "core/heap.h"

namespace beholder::vlm {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

bool is_decoder_matrix(const std::string& name, const at::Tensor& value) {
  return name.starts_with("model.layers.") && name.ends_with("_proj.weight") && can_quantise(value);
}

// Pages of a mapped checkpoint that have been read once need not stay.
Quantised quantise_and_forget(const at::Tensor& w, int bits) {
  Quantised out = quantise(w, bits);
  page_out(w.data_ptr(), w.nbytes());
  return out;
}

}  // namespace

void quantise_model(Model& model, int bits) {
  const at::NoGradGuard no_grad;
  if (!model.device.is_cpu())
    throw Error(Code::kUnsupported, "--quantize", "quantised weights are for the CPU", "leave it out, or use --device cpu");
  std::vector<std::string> names;
  for (const auto& [name, value] : model.params.all())
    if (is_decoder_matrix(name, value)) names.push_back(name);
  if (names.empty())
    throw Error(Code::kUnsupported, "--quantize", "no matrix of this model has rows in sixteens and columns in thirty-twos",
                "leave it out");
  for (const std::string& name : names) {
    model.quantised[name.substr(0, name.size() - kWeightSuffix.size())] = quantise_and_forget(model.params[name], bits);
    model.params.erase(name);
  }
  const bool tied = model.config.text.tie_word_embeddings;
  const std::string head = tied ? "model.embed_tokens.weight" : "lm_head.weight";
  if (!can_quantise(model.params[head])) return;
  model.quantised["lm_head"] = quantise_and_forget(model.params[head], 8);
  if (!tied) model.params.erase(head);
}

}  // namespace beholder::vlm
