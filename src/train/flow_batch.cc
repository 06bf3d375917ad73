#include "train/flow_batch.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"
#include "core/profile.h"
#include "gen/flow.h"
#include "gen/generator.h"

namespace beholder::train {

FlowBatch FlowBatch::rows(std::int64_t begin, std::int64_t count) const {
  const auto cut = [&](const at::Tensor& x) { return x.defined() ? x.narrow(0, begin, count) : x; };
  return {.step = step,
          .clean = cut(clean),
          .rejected = cut(rejected),
          .noise = cut(noise),
          .t_B = cut(t_B),
          .prompts = {cut(prompts.ids_BL), cut(prompts.mask_BL)},
          .ids = {ids.begin() + begin, ids.begin() + begin + count},
          .problems = {},
          .used_by_all = used_by_all};
}

std::string FlowBatch::names() const {
  constexpr std::size_t kShown = 8;
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, ids.size()));
  return format("{}{}", fmt::join(ids.begin(), end, ", "), ids.size() > kShown ? ", …" : "");
}

FlowBatch make_flow_batch(const FlowSource& source, std::int64_t step, const FlowBatchOptions& options, const gen::Model& model,
                          const hf::Tokenizer& tokenizer) {
  const ProfileSpan span("make a batch");
  FlowBatch batch;
  batch.step = step;
  std::vector<at::Tensor> clean, rejected, noise, ids, masks;
  std::vector<float> times;
  for (std::int64_t i = options.part.first; i < options.part.second; ++i) {
    Rng rng(options.seed, stable_hash("flow batch"), static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(i));
    FlowExample example = source.example(step, i);
    gen::PromptTokens tokens;
    if (example.problem.empty()) try {
        const std::string prompt = rng.chance(options.prompt_dropout) ? std::string() : example.prompt;
        tokens = gen::tokenize_prompts(tokenizer, model, {&prompt, 1});
      } catch (const Error& e) {
        example.problem = e.what();
      }
    if (!example.problem.empty()) {
      batch.problems.push_back(format("{}: {}", example.id, example.problem));
      continue;
    }
    batch.ids.push_back(example.id);
    clean.push_back(example.clean);
    if (example.rejected.defined()) rejected.push_back(example.rejected);
    const double even = (static_cast<double>(i) + 0.5) / static_cast<double>(options.size);
    times.push_back(static_cast<float>(options.even_times ? even : gen::draw_time(rng, options.time)));
    noise.push_back(gen::draw_noise(rng, model.config));
    ids.push_back(tokens.ids_BL);
    masks.push_back(tokens.mask_BL);
  }
  batch.used_by_all = batch.size();
  if (batch.ids.empty()) return batch;
  const auto stack = [&](const std::vector<at::Tensor>& x) { return x.empty() ? at::Tensor() : torch::stack(x).to(model.device); };
  batch.clean = stack(clean);
  batch.rejected = stack(rejected);
  batch.noise = stack(noise);
  batch.t_B = torch::tensor(times).to(model.device);
  batch.prompts = {torch::cat(ids), torch::cat(masks)};
  return batch;
}

}  // namespace beholder::train
