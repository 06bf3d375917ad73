#include "train/flow_trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/profile.h"
#include "gen/sampler.h"
#include "media/contact_sheet.h"
#include "train/trained.h"

namespace beholder::train {
namespace {

std::vector<NamedParam> all_leaves(gen::Model& model) {
  std::vector<std::string> names;
  for (const auto& [name, value] : model.params.all()) names.push_back(name);
  return make_leaves(model.params, names);
}

}  // namespace

FlowTrainer::FlowTrainer(FlowTask task)
    : task_(std::move(task)),
      run_(task_.config, task_.identity,
           TrainedWeights{.params = task_.generator.model.params,
                          .leaves = all_leaves(task_.generator.model),
                          .config = gen::config_to_json(task_.generator.model.config)},
           task_.model_files, *task_.group) {
  require_internal(task_.objective != nullptr && task_.train != nullptr, "a trainer has an objective and a source");
  gen::Model& model = task_.generator.model;
  model.dtype = task_.config.bf16 ? at::kBFloat16 : model.params.all().begin()->second.scalar_type();
  if (task_.config.ema_decay == 0) return;
  std::vector<NamedParam> params;
  for (const auto& [name, value] : model.params.all()) params.push_back({name, value});
  ema_.emplace(params, task_.config.ema_decay);
  averaged_ = {.config = model.config, .dtype = model.dtype, .device = model.device};
  for (const auto& [name, value] : ema_->named("")) averaged_.params.set(name, value);
  run_.keep(ema_->named("ema/"));
}

// ---- checkpoints

std::int64_t FlowTrainer::resume() {
  const std::int64_t step = run_.resume();
  if (step == 0) return step;
  const Json& state = run_.state();
  const std::string where = "state.json";
  sums_ = json_need<std::map<std::string, double>>(state, "sums", where);
  updates_ = json_need<std::int64_t>(state, "updates", where);
  last_loss_ = json_need<double>(state, "last_loss", where);
  skipped_ = json_need<std::int64_t>(state, "skipped_examples", where);
  return step;
}

void FlowTrainer::save() {
  run_.save({{"sums", sums_}, {"updates", updates_}, {"last_loss", last_loss_}, {"skipped_examples", skipped_}});
}

// ---- one update

FlowBatch FlowTrainer::batch(const FlowSource& source, std::int64_t step, bool validation) const {
  const FlowConfig& c = task_.config;
  const std::int64_t size = validation ? c.eval_examples : c.batch_size();
  const FlowBatchOptions options{.size = size,
                                 .part = run_.group().part(size),
                                 .seed = static_cast<std::uint64_t>(c.seed),
                                 .prompt_dropout = validation ? 0 : task_.prompt_dropout,
                                 .time = c.time,
                                 .even_times = validation};
  FlowBatch batch = make_flow_batch(source, step, options, task_.generator.model, task_.generator.tokenizer);
  batch.used_by_all = run_.group().sum(batch.size());
  batch.problems = run_.group().gather_texts(batch.problems);
  if (batch.used_by_all == 0)
    throw Error(Code::kInvalidInput, validation ? "eval_data" : format("step {}", step + 1),
                "no example of its batch can be used: " + batch.problems.at(0), "mend the data; checkpoints so far are intact");
  return batch;
}

FlowTrainer::Sums FlowTrainer::means(const gen::Model& model, const FlowBatch& batch, bool learn) {
  Sums sums{{"loss", 0}};
  for (const std::string& name : task_.objective->watched()) sums[name] = 0;
  // The whole loss is known before the last pass backward, during which gradients may already leave.
  const auto complete = [&] {
    at::Tensor all = at::empty({std::ssize(sums)}, at::kDouble);
    std::int64_t i = 0;
    for (const auto& [name, value] : sums) all[i++].fill_(value);
    run_.group().sum(all);
    i = 0;
    for (auto& [name, value] : sums) value = all[i++].item<double>();
    if (learn) run_.last_backward();
  };
  const auto total = static_cast<double>(batch.used_by_all);
  const std::int64_t micro = task_.config.per_device_train_batch_size;
  if (batch.size() == 0) complete();
  for (std::int64_t begin = 0; begin < batch.size(); begin += micro) {
    at::Tensor loss;
    {
      const ProfileSpan span("forward and loss");
      const FlowLosses losses = task_.objective->losses(model, batch.rows(begin, std::min(micro, batch.size() - begin)));
      loss = losses.loss_B.sum() / total;
      sums["loss"] += loss.item<double>();
      for (const auto& [name, values] : losses.watched) sums.at(name) += values.sum().item<double>() / total;
    }
    if (begin + micro >= batch.size()) complete();
    if (!learn || !std::isfinite(sums["loss"])) continue;
    const ProfileSpan span("backward");
    loss.backward();
  }
  return sums;
}

void FlowTrainer::report_problems(const FlowBatch& batch) {
  constexpr std::int64_t kShown = 20;
  for (const std::string& problem : batch.problems)
    if (++skipped_ <= kShown) log_warning(format("step {}: left out {}", batch.step + 1, problem));
  if (!batch.problems.empty() && skipped_ > kShown)
    log_warning(format("step {}: {} examples left out so far (skipped_examples in metrics.jsonl)", batch.step + 1, skipped_));
}

// ---- the run

FlowResult FlowTrainer::run() {
  const FlowConfig& c = task_.config;
  FlowResult result;
  if (run_.step() < c.max_steps) {
    Progress progress("train", c.max_steps, "steps", run_.step());
    while (run_.step() < c.max_steps && !result.interrupted) {
      advance(progress);
      result.interrupted = run_.group().any(interrupted()) && run_.step() < c.max_steps;
      if (run_.step() % c.save_steps == 0 || run_.step() == c.max_steps || result.interrupted) save();
    }
  }
  if (result.interrupted) log_info(format("stopped after step {} of {}; {}", run_.step(), c.max_steps, run_.resume_hint()));
  result.step = run_.step();
  result.skipped = skipped_;
  result.loss = updates_ > 0 ? sums_.at("loss") / static_cast<double>(updates_) : last_loss_;
  return result;
}

void FlowTrainer::advance(Progress& progress) {
  const FlowConfig& c = task_.config;
  const FlowBatch now = batch(*task_.train, run_.step(), /*validation=*/false);
  report_problems(now);
  run_.zero_grad();
  const Sums sums = means(task_.generator.model, now, /*learn=*/true);
  const double loss = sums.at("loss");
  run_.require_finite(loss, "loss", now.names());
  const double grad_norm = run_.update();
  run_.require_finite(grad_norm, "gradient norm", now.names());
  if (ema_) ema_->update(run_.step());
  for (const auto& [name, value] : sums) sums_[name] += value;
  ++updates_;
  ++timed_;
  progress.update(run_.step(), format("loss {:.4f}", loss));
  const bool last = run_.step() == c.max_steps;
  if (run_.step() % c.logging_steps == 0 || last) {
    log_metrics(grad_norm, progress.seconds() - since_);
    since_ = progress.seconds();
    timed_ = 0;
  }
  if (c.eval_steps > 0 && (run_.step() % c.eval_steps == 0 || last)) look();
}

void FlowTrainer::log_metrics(double grad_norm, double seconds) {
  Metrics metrics;
  for (const auto& [name, sum] : sums_) metrics.emplace_back(name, sum / static_cast<double>(updates_));
  last_loss_ = sums_.at("loss") / static_cast<double>(updates_);
  sums_.clear();
  updates_ = 0;
  metrics.emplace_back("learning_rate", run_.learning_rate());
  metrics.emplace_back("grad_norm", grad_norm);
  if (const std::int64_t epoch = task_.train->epoch_examples(); epoch > 0)
    metrics.emplace_back("epoch", static_cast<double>(run_.step() * task_.config.batch_size()) / static_cast<double>(epoch));
  if (skipped_ > 0) metrics.emplace_back("skipped_examples", static_cast<double>(skipped_));
  metrics.emplace_back("step_time", seconds / static_cast<double>(timed_));
  run_.log().log(run_.step(), metrics);
}

// ---- validation

std::map<std::string, double> FlowTrainer::evaluate() {
  require_internal(task_.validation != nullptr, "evaluation needs a validation source");
  const at::NoGradGuard no_grad;
  return means(result(), batch(*task_.validation, 0, /*validation=*/true), /*learn=*/false);
}

void FlowTrainer::look() {
  if (task_.validation != nullptr) {
    Metrics metrics;
    for (const auto& [name, value] : evaluate()) metrics.emplace_back("eval_" + name, value);
    run_.log().log(run_.step(), metrics);
  }
  if (run_.group().is_main()) draw_samples();
}

// One prompt a row: four seeds of a picture, or the frames of one video.
void FlowTrainer::draw_samples() const {
  constexpr std::uint64_t kSeeds = 4;
  const FlowConfig& c = task_.config;
  const gen::Model& model = result();
  const FlowSource& source = task_.validation != nullptr ? *task_.validation : *task_.train;
  std::vector<media::Image> images;
  for (const std::string& prompt : source.prompts(c.sample_prompts))
    for (std::uint64_t seed = 0; seed < (model.config.is_video() ? 1 : kSeeds); ++seed)
      for (media::Image& frame :
           gen::sample(model, task_.generator.tokenizer, prompt, seed, {.steps = c.sample_steps, .guidance = c.sample_guidance}))
        images.push_back(std::move(frame));
  if (images.empty()) return;
  const auto columns = static_cast<int>(model.config.is_video() ? model.config.num_frames : 2 * kSeeds);
  const std::string path = format("{}/samples/step-{:06}.png", c.output_dir, run_.step());
  write_file_atomic(path, media::encode_png(media::contact_sheet(images, columns, static_cast<int>(model.config.image_size))));
}

}  // namespace beholder::train
