#include "gen/sampler.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/profile.h"
#include "gen/flow.h"
#include "gen/pixels.h"

namespace beholder::gen {
namespace {

// The guided velocity field of one prompt.
class Field {
 public:
  Field(const Model& model, const hf::Tokenizer& tokenizer, const std::string& prompt, double guidance)
      : model_(model), guidance_(guidance) {
    std::vector<std::string> prompts{prompt};
    if (guidance != 1) prompts.emplace_back();
    features_ = encode_prompts(model_, tokenize_prompts(tokenizer, model, prompts));
  }

  // x [C,F,S,S]; t above 0.
  at::Tensor at(const at::Tensor& x, double t) const {
    const std::int64_t rows = features_.tokens_BLE.size(0);
    const at::Tensor times = torch::full({rows}, t, x.options());
    const at::Tensor clean = predict_clean(model_, x.unsqueeze(0).expand({rows, -1, -1, -1, -1}), times, features_);
    const at::Tensor guided = rows == 1 ? clean[0] : torch::lerp(clean[1], clean[0], guidance_);
    return (x - guided) / t;
  }

 private:
  const Model& model_;
  double guidance_;
  PromptFeatures features_;
};

}  // namespace

std::vector<media::Image> sample(const Model& model, const hf::Tokenizer& tokenizer, const std::string& prompt, std::uint64_t seed,
                                 const SampleOptions& options) {
  if (options.steps < 1) throw Error(Code::kUsage, "steps", "is below 1", "take 10 to 50");
  const ProfileSpan span("sample");
  const at::NoGradGuard no_grad;
  const Field field(model, tokenizer, prompt, options.guidance);
  Rng rng(seed, stable_hash("generator noise"), stable_hash(prompt));
  at::Tensor x = draw_noise(rng, model.config).to(model.device);
  for (std::int64_t i = options.steps; i > 0; --i) {
    const double t = static_cast<double>(i) / static_cast<double>(options.steps),
                 next = static_cast<double>(i - 1) / static_cast<double>(options.steps);
    const at::Tensor v = field.at(x, t), euler = x + (next - t) * v;
    x = options.heun && next > 0 ? x + (next - t) / 2 * (v + field.at(euler, next)) : euler;
  }
  return to_images(x);
}

}  // namespace beholder::gen
