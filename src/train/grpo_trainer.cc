#include "train/grpo_trainer.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/profile.h"
#include "train/completions.h"
#include "train/run_setup.h"

namespace beholder::train {
namespace {

std::int64_t active_tokens(const SampleFacts& sample, const GrpoConfig& config) {
  return config.mask_truncated_completions && !sample.finished ? 0 : sample.tokens;
}

}  // namespace

// One forward pass: completions first..last of this rank's, with a prefix for each group they come from.
struct GrpoTrainer::Micro {
  std::vector<vlm::Segment> segments;
  std::vector<const Sample*> samples;
  std::vector<int> segment_of;  // per sample
  std::vector<double> weights;  // per sample: of each of its tokens

  Micro(const RolloutBatch& batch, std::size_t first, std::size_t last, const GrpoConfig& config, const BatchShape& shape) {
    const auto group_size = static_cast<std::size_t>(config.num_generations);
    for (std::size_t i = first; i < last; ++i) {
      const Group& group = batch.groups[i / group_size];
      const Sample& sample = group.samples[i % group_size];
      if (i == first || i % group_size == 0) {
        root_ = static_cast<int>(segments.size());
        segments.push_back(group.prompt);
      }
      segment_of.push_back(static_cast<int>(segments.size()));
      segments.push_back({.ids = sample.completion.ids, .media = {}, .parent = root_});
      samples.push_back(&sample);
    }
    weights = token_weights(config.loss_options(), shape, batch.first + first, batch.first + last);
  }

 private:
  int root_ = 0;
};

GrpoTrainer::GrpoTrainer(GrpoTask task)
    : task_(std::move(task)),
      run_(task_.config, identity(), task_.model, task_.model_files, *task_.group),
      roller_(task_.config, *task_.spec, task_.model, *task_.train, task_.listener, *task_.group) {
  require_internal(task_.config.loss.beta == 0 || task_.reference, "beta above 0 needs a reference");
  if (task_.model.dtype != at::kDouble) task_.model.dtype = task_.config.bf16 ? at::kBFloat16 : at::kFloat;
  if (task_.reference) task_.reference->dtype = task_.model.dtype;
}

// ---- one update

at::Tensor GrpoTrainer::micro_loss(const Micro& micro, std::size_t number) {
  const ProfileSpan span("forward and loss");
  const GrpoConfig& c = task_.config;
  const vlm::Packed packed = vlm::pack(task_.model.config, micro.segments);
  std::vector<std::int64_t> rows, ids, sequence, decision_rows;
  std::vector<float> advantage, weight, sampled, decision_weight;
  for (std::size_t s = 0; s < micro.samples.size(); ++s) {
    const Sample& sample = *micro.samples[s];
    const auto decision = c.exact_decision() && sample.vote.verdict.parsed ? sample.vote.verdict.decision : -1;
    for (std::int64_t t = 0; t < std::ssize(sample.completion.ids); ++t) {
      const std::int64_t row = packed.predictor(micro.segment_of[s], t);
      rows.push_back(row);
      ids.push_back(sample.completion.ids[static_cast<std::size_t>(t)]);
      sequence.push_back(static_cast<std::int64_t>(s));
      advantage.push_back(t == decision ? 0.0f : static_cast<float>(sample.advantage));
      weight.push_back(static_cast<float>(micro.weights[s]));
      sampled.push_back(sample.completion.logprobs[static_cast<std::size_t>(t)]);
      if (t != decision) continue;
      decision_rows.push_back(row);
      decision_weight.push_back(static_cast<float>(micro.weights[s] * c.decision_coef * sample.slope));
    }
  }
  const at::Device device = task_.model.device;
  const auto floats = [&](const std::vector<float>& v) { return torch::tensor(v, at::kFloat).to(device); };
  const at::Tensor row_index = torch::tensor(rows, at::kLong), targets = torch::tensor(ids, at::kLong);
  const at::Tensor hidden = vlm::forward(task_.model, packed);
  const bool first_pass = number == old_logps_.size();  // over this rollout
  at::Tensor entropies;
  PolicyTokens tokens{
      .logp = vlm::token_logprobs(task_.model, hidden, row_index, targets, c.temperature, first_pass ? &entropies : nullptr),
      .old_logp = {},
      .reference = {},
      .advantage = floats(advantage),
      .weight = floats(weight),
      .sequence = torch::tensor(sequence, at::kLong).to(device),
      .sequences = std::ssize(micro.samples)};
  if (first_pass) {
    old_logps_.push_back(tokens.logp.detach());
    const at::Tensor difference = (tokens.logp.detach() - floats(sampled)).abs();
    meters_.add("sampling/sampling_logp_difference/mean", difference.mean().item<double>());
    meters_.add("sampling/sampling_logp_difference/max", difference.max().item<double>());
    meters_.add("entropy", entropies.mean().item<double>());
  }
  tokens.old_logp = old_logps_[number];
  if (c.loss.beta > 0) {
    const at::NoGradGuard no_grad;
    tokens.reference = vlm::token_logprobs(*task_.reference, vlm::forward(*task_.reference, packed), row_index, targets, c.temperature);
  }
  PolicyLoss policy = policy_loss(tokens, c.loss_options());
  if (!decision_rows.empty()) {
    const at::Tensor choice =
        vlm::choice_logits(task_.model, hidden, torch::tensor(decision_rows, at::kLong), std::span(task_.spec->index_ids).first(2));
    policy.loss = policy.loss - (at::softmax(choice, -1).select(1, 0) * floats(decision_weight)).sum();
  }
  const double low = policy.clipped_low / policy.tokens, high = policy.clipped_high / policy.tokens;
  meters_.add("clip_ratio/low_mean", low);
  meters_.add("clip_ratio/high_mean", high);
  meters_.add("clip_ratio/region_mean", low + high);  // no token is clipped on both sides
  clipped_low_ = std::min(clipped_low_, low);
  clipped_high_ = std::max(clipped_high_, high);
  if (c.loss.beta > 0) meters_.add("kl", policy.kl / policy.tokens);
  return policy.loss;
}

// The extremes over the micro-batches of all ranks, as if one had computed them all.
void GrpoTrainer::meter_clipped() {
  for (const std::string& part : run_.group().gather(Json({clipped_low_, clipped_high_}).dump())) {
    const Json theirs = Json::parse(part);
    clipped_low_ = std::min(clipped_low_, theirs[0].get<double>());
    clipped_high_ = std::max(clipped_high_, theirs[1].get<double>());
  }
  meters_.add("clip_ratio/low_min", clipped_low_);
  meters_.add("clip_ratio/high_max", clipped_high_);
}

double GrpoTrainer::accumulate(const RolloutBatch& batch) {
  const GrpoConfig& c = task_.config;
  BatchShape shape{.lengths = {}, .max_completion_length = c.max_completion_length, .micro_batches = c.gradient_accumulation_steps};
  for (const SampleFacts& sample : batch.facts) shape.lengths.push_back(active_tokens(sample, c));
  run_.zero_grad();
  clipped_low_ = 1;
  clipped_high_ = 0;
  double loss = 0;
  const auto size = static_cast<std::size_t>(c.per_device_train_batch_size),
             own = batch.groups.size() * static_cast<std::size_t>(c.num_generations);
  // The whole loss is known before the last pass backward, during which gradients may already leave.
  const auto complete = [&] {
    loss = run_.group().sum(loss);
    meter_clipped();
    run_.last_backward();
  };
  if (own == 0) complete();
  for (std::size_t first = 0, number = 0; first < own; first += size, ++number) {
    const std::size_t last = std::min(first + size, own);
    at::Tensor part = micro_loss(Micro(batch, first, last, c, shape), number);
    loss += part.item<double>();
    if (last == own) complete();
    const ProfileSpan span("backward");
    if (std::isfinite(loss)) part.backward();
  }
  return loss;
}

RolloutBatch GrpoTrainer::rollout() {
  const ProfileSpan span("rollout");
  old_logps_.clear();
  return roller_.next(cursor_);
}

// ---- the run

bool GrpoTrainer::due(std::int64_t every) const {
  return every > 0 && (run_.step() % every < task_.config.num_iterations || run_.last_step());
}

GrpoResult GrpoTrainer::run() {
  const GrpoConfig& c = task_.config;
  GrpoResult result;
  if (!run_.last_step()) {
    Progress progress("train grpo", c.max_steps, "steps", run_.step());
    if (run_.step() == 0 && c.eval_steps > 0 && task_.validation) evaluate();
    while (!run_.last_step() && !result.interrupted) {
      const double start = progress.seconds();
      const RolloutBatch batch = rollout();
      times_.rollout += batch.sample_seconds;
      times_.rewards += batch.reward_seconds;
      times_.listener += batch.listener_seconds;
      const double rolled = progress.seconds();
      report_problems(batch);
      meter_rollout(batch, c.reward_names(), meters_);
      learn_from(batch, progress);
      times_.update += progress.seconds() - rolled;
      times_.since += progress.seconds() - start;
      if (due(c.logging_steps)) {
        log_metrics(times_.since);
        std::string lines;
        for (const std::string& part : run_.group().gather(completion_lines(run_.step(), batch, c.reward_names()))) lines += part;
        if (run_.group().is_main()) write_completions(c.output_dir, run_.step(), lines);
      }
      if (task_.validation && due(c.eval_steps)) evaluate();
      result.interrupted = run_.group().any(interrupted()) && !run_.last_step();
      if (due(c.save_steps) || result.interrupted) save();
    }
  }
  if (result.interrupted) log_info(format("stopped after step {} of {}; {}", run_.step(), c.max_steps, run_.resume_hint()));
  result.step = run_.step();
  result.skipped = skipped_;
  result.reward = last_reward_;
  result.best_metric = best_metric_;
  result.best_step = best_step_;
  return result;
}

void GrpoTrainer::learn_from(const RolloutBatch& batch, Progress& progress) {
  const GrpoConfig& c = task_.config;
  for (std::int64_t i = 0; i < c.num_iterations && !run_.last_step(); ++i) {
    const double loss = accumulate(batch);
    run_.require_finite(loss, "loss", batch.ids());
    const double norm = run_.update();
    run_.require_finite(norm, "gradient norm", batch.ids());
    meters_.add("loss", loss);
    meters_.add("grad_norm", norm);
    ++times_.updates;
  }
  num_tokens_ += batch.prompt_tokens + batch.completion_tokens;
  times_.tokens += batch.prompt_tokens + batch.completion_tokens;
  last_reward_ = batch.advantages.reward_mean;
  progress.update(run_.step(), format("reward {:.3f}  flat groups {:.0f}%  {:.0f} tokens a completion", last_reward_,
                                      100 * batch.advantages.frac_reward_zero_std,
                                      static_cast<double>(batch.completion_tokens) / static_cast<double>(batch.advantages.values.size())));
}

// ---- what a user sees

void GrpoTrainer::report_problems(const RolloutBatch& batch) {
  constexpr std::int64_t kShown = 20;
  for (const std::string& problem : batch.problems)
    if (++skipped_ <= kShown) log_warning(format("step {}: left out {}", run_.step() + 1, problem));
}

void GrpoTrainer::log_metrics(double seconds) {
  if (!run_.group().is_alone()) {
    const std::vector<std::string> all = run_.group().gather(meters_.state().dump());
    meters_.clear();
    for (const std::string& part : all) meters_.merge(Json::parse(part));
  }
  warnings_.check(meters_, task_.config, run_.step());
  Metrics metrics = meters_.means();
  metrics.emplace_back("learning_rate", run_.learning_rate());
  metrics.emplace_back("num_tokens", static_cast<double>(num_tokens_));
  if (const std::int64_t epoch = task_.train->epoch_items(); epoch > 0)
    metrics.emplace_back("epoch", static_cast<double>(cursor_) / static_cast<double>(epoch));
  if (skipped_ > 0) metrics.emplace_back("skipped_items", static_cast<double>(skipped_));
  const double updates = std::max<double>(1, static_cast<double>(times_.updates));
  metrics.emplace_back("step_time", seconds / updates);
  metrics.emplace_back("time/rollout", times_.rollout / updates);
  metrics.emplace_back("time/rewards", times_.rewards / updates);
  metrics.emplace_back("time/listener", times_.listener / updates);
  metrics.emplace_back("time/update", times_.update / updates);
  metrics.emplace_back("tokens_per_second", seconds > 0 ? static_cast<double>(times_.tokens) / seconds : 0);
  run_.log().log(run_.step(), metrics);
  meters_.clear();
  times_ = {};
}

void GrpoTrainer::evaluate() {
  const ProfileSpan span("evaluate");
  const GrpoConfig& c = task_.config;
  const Metrics metrics =
      evaluate_judge(*task_.spec, task_.model, *task_.validation, task_.listener,
                     {.kind = c.answer_kind(), .items = c.eval_items, .max_completion_length = c.max_completion_length}, run_.group());
  run_.log().log(run_.step(), metrics);
  for (const auto& [name, value] : metrics) {
    if (name != c.metric_for_best_model) continue;
    const bool lower_is_better = name == "eval_brier";
    if (best_metric_ && (lower_is_better ? value >= *best_metric_ : value <= *best_metric_)) continue;
    best_metric_ = value;
    best_step_ = run_.step();
    if (run_.group().is_main()) export_model(c, "best", task_.model, task_.model_files, export_dtype(c, *task_.spec));
  }
}

// ---- checkpoints

Json GrpoTrainer::identity() const {
  Json json = numeric_config(task_.config);
  json["inputs"] = task_.inputs;
  return json;
}

Json GrpoTrainer::state() const {
  return {{"cursor", cursor_},           {"num_tokens", num_tokens_}, {"skipped_items", skipped_},
          {"last_reward", last_reward_}, {"meters", meters_.state()}, {"best_metric", best_metric_ ? Json(*best_metric_) : Json()},
          {"best_step", best_step_}};
}

void GrpoTrainer::save() {
  if (task_.listener) task_.listener->forget();
  run_.save(state());
}

std::int64_t GrpoTrainer::resume() {
  const std::int64_t step = run_.resume();
  if (step == 0) return step;
  const Json& state = run_.state();
  const std::string where = "state.json";
  cursor_ = json_need<std::int64_t>(state, "cursor", where);
  num_tokens_ = json_need<std::int64_t>(state, "num_tokens", where);
  skipped_ = json_need<std::int64_t>(state, "skipped_items", where);
  last_reward_ = json_need<double>(state, "last_reward", where);
  best_step_ = json_need<std::int64_t>(state, "best_step", where);
  if (state.contains("best_metric") && state["best_metric"].is_number()) best_metric_ = state["best_metric"].get<double>();
  meters_.restore(state.at("meters"));
  return step;
}

}  // namespace beholder::train
