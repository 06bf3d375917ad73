#include "train/sft_trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"

namespace beholder::train {
namespace {

// Leaves for the optimiser: own memory (a loaded model may lie in a read-only map), float32, gradients on.
std::vector<NamedParam> make_leaves(vlm::Model& model) {
  std::vector<NamedParam> leaves;
  std::vector<std::string> names;
  for (const auto& [name, value] : model.params.all()) names.push_back(name);
  for (const std::string& name : names) {
    at::Tensor leaf = model.params[name].detach().to(at::kFloat).contiguous().clone().set_requires_grad(true);
    model.params.set(name, leaf);
    leaves.push_back({name, std::move(leaf)});
  }
  return leaves;
}

// Rows of hidden states that predict completion tokens, and those tokens.
struct Targets {
  at::Tensor rows, ids;
};

Targets completion_targets(std::span<const SftExample> examples, const vlm::Packed& packed) {
  std::vector<std::int64_t> rows, ids;
  for (std::size_t s = 0; s < examples.size(); ++s) {
    const SftExample& example = examples[s];
    require_internal(example.completion_begin > 0 && example.completion_tokens() > 0, "an example has a prompt and a completion");
    for (std::int64_t i = example.completion_begin; i < static_cast<std::int64_t>(example.segment.ids.size()); ++i) {
      rows.push_back(packed.predictor(static_cast<int>(s), i));
      ids.push_back(example.segment.ids[static_cast<std::size_t>(i)]);
    }
  }
  return {torch::tensor(rows, at::kLong), torch::tensor(ids, at::kLong)};
}

// Greedy hits, a few rows at a time: [rows, V] is never held.
std::int64_t count_hits(const vlm::Model& model, const at::Tensor& hidden_TD, const Targets& targets) {
  constexpr std::int64_t kRows = 256;
  const at::NoGradGuard no_grad;
  const at::Tensor hidden = hidden_TD.detach();
  std::int64_t hits = 0;
  for (std::int64_t begin = 0; begin < targets.rows.size(0); begin += kRows) {
    const std::int64_t n = std::min(kRows, targets.rows.size(0) - begin);
    const at::Tensor best = vlm::logits(model, hidden, targets.rows.narrow(0, begin, n)).argmax(-1).to(at::kCPU);
    hits += best.eq(targets.ids.narrow(0, begin, n)).sum().item<std::int64_t>();
  }
  return hits;
}

std::string resume_hint(const SftConfig& config) {
  return format("run the same command again to go on from {}/latest", config.output_dir);
}

}  // namespace

SftTrainer::SftTrainer(SftTask task) : task_(std::move(task)), schedule_(parse_schedule(task_.config.lr_scheduler_type)) {
  require_internal(task_.train != nullptr, "a trainer has a source");
  const SftConfig& c = task_.config;
  task_.model.dtype = c.bf16 ? at::kBFloat16 : at::kFloat;
  optimizer_ = std::make_unique<AdamW>(
      make_leaves(task_.model),
      AdamWOptions{.beta1 = c.adam_beta1, .beta2 = c.adam_beta2, .epsilon = c.adam_epsilon, .weight_decay = c.weight_decay});
}

std::int64_t SftTrainer::max_tokens() const {
  const std::int64_t limit = task_.model.config.text.max_position_embeddings, wanted = task_.config.max_length;
  return wanted > 0 ? std::min(wanted, limit) : limit;
}

Json SftTrainer::identity() const {
  Json json = numeric_config(task_.config);
  json["inputs"] = task_.inputs;
  return json;
}

// ---- checkpoints

std::int64_t SftTrainer::resume() {
  const SftConfig& c = task_.config;
  const bool has_checkpoints = !checkpoint_steps(c.output_dir).empty();
  if (c.resume_from_checkpoint == "auto" && has_checkpoints) {
    std::vector<std::string> skipped;
    const auto found = load_latest_checkpoint(c.output_dir, skipped);
    for (const std::string& line : skipped) log_warning(line);
    if (!found)
      throw Error(Code::kCorrupt, c.output_dir, "none of its checkpoints is whole",
                  "restore one from a backup, or choose another output_dir");
    restore(found->content, found->path);
  } else if (c.resume_from_checkpoint == "none" && has_checkpoints) {
    throw Error(Code::kUsage, c.output_dir, "already holds the checkpoints of a run",
                "use resume_from_checkpoint = auto to go on, or choose another output_dir");
  } else if (c.resume_from_checkpoint != "auto" && c.resume_from_checkpoint != "none") {
    restore(load_checkpoint(c.resume_from_checkpoint), c.resume_from_checkpoint);
  }
  log_ = std::make_unique<FileRunLog>(c.output_dir, resumed_ ? step_ : -1);
  return step_;
}

void SftTrainer::restore(const CheckpointContent& content, const std::string& path) {
  const std::vector<std::string> differ = config_differences(content.config, identity());
  if (!differ.empty())
    throw Error(
        Code::kUsage, path, format("was written by a run with another {}", fmt::join(differ, ", ")),
        format("resume with the configuration in run.json; to train on from these weights, set model = {} and a new output_dir", path));
  const at::NoGradGuard no_grad;
  for (const NamedParam& param : optimizer_->params()) {
    const auto it = content.model.find(param.name);
    if (it == content.model.end() || it->second.sizes() != param.value.sizes())
      throw Error(Code::kCorrupt, path, format("lacks weights that fit {}", param.name), "resume from a checkpoint of this model");
    at::Tensor(param.value).copy_(it->second);
  }
  optimizer_->load_state(content.optimizer, path);
  step_ = saved_step_ = content.step;
  sums_.loss = json_need<double>(content.state, "loss_sum", path);
  sums_.updates = json_need<std::int64_t>(content.state, "loss_updates", path);
  last_loss_ = json_need<double>(content.state, "last_loss", path);
  num_tokens_ = json_need<std::int64_t>(content.state, "num_tokens", path);
  skipped_ = json_need<std::int64_t>(content.state, "skipped_examples", path);
  resumed_ = true;
  log_info(format("resumed {} after step {} of {}", path, step_, task_.config.max_steps));
}

void SftTrainer::save() {
  if (saved_step_ == step_) return;
  CheckpointContent content;
  content.step = step_;
  content.config = identity();
  content.state = {{"loss_sum", sums_.loss},
                   {"loss_updates", sums_.updates},
                   {"last_loss", last_loss_},
                   {"num_tokens", num_tokens_},
                   {"skipped_examples", skipped_}};
  for (const NamedParam& param : optimizer_->params()) content.model[param.name] = param.value;
  content.optimizer = optimizer_->state();
  content.files = task_.model_files;
  Json config = task_.model.config.raw;
  config["torch_dtype"] = "float32";
  content.files["config.json"] = config.dump(2) + "\n";
  log_->sync();
  save_checkpoint(task_.config.output_dir, content, task_.config.save_total_limit);
  saved_step_ = step_;
}

// ---- one update

Scores SftTrainer::micro_scores(std::span<const SftExample> examples, double denominator, bool learn, bool want_accuracy) {
  std::vector<vlm::Segment> segments;
  for (const SftExample& example : examples) segments.push_back(example.segment);
  const vlm::Packed packed = vlm::pack(task_.model.config, segments);
  const Targets targets = completion_targets(examples, packed);
  const at::Tensor hidden_TD = vlm::forward(task_.model, packed);
  const at::Tensor loss = -vlm::token_logprobs(task_.model, hidden_TD, targets.rows, targets.ids).sum() / denominator;
  Scores scores{.loss = loss.item<double>(), .tokens = targets.ids.size(0)};
  if (want_accuracy) scores.accuracy = static_cast<double>(count_hits(task_.model, hidden_TD, targets)) / denominator;
  if (learn && std::isfinite(scores.loss)) loss.backward();
  return scores;
}

SftTrainer::Update SftTrainer::update(const SftBatch& batch, bool want_accuracy) {
  const SftConfig& c = task_.config;
  if (batch.examples.empty())
    throw Error(Code::kInvalidInput, format("step {}", batch.step + 1), "no example of its batch can be used: " + batch.problems.at(0),
                "mend the data; checkpoints so far are intact");
  Update update;
  optimizer_->zero_grad();
  for (const auto micro : batch.micro_batches(c.per_device_train_batch_size)) {
    const Scores scores = micro_scores(micro, static_cast<double>(batch.completion_tokens), /*learn=*/true, want_accuracy);
    update.scores.loss += scores.loss;
    update.scores.accuracy += scores.accuracy;
    update.scores.tokens += scores.tokens;
  }
  require_finite(update.scores.loss, "loss", batch);
  update.grad_norm = clip_grad_norm(optimizer_->params(), c.max_grad_norm);
  require_finite(update.grad_norm, "gradient norm", batch);
  update.learning_rate = c.learning_rate * schedule_factor(schedule_, step_, c.warmup_steps, c.max_steps);
  optimizer_->step(update.learning_rate);
  return update;
}

void SftTrainer::require_finite(double value, const char* what, const SftBatch& batch) const {
  if (std::isfinite(value)) return;
  const std::string kept = saved_step_ >= 0 ? format("the checkpoint of step {} is intact", saved_step_) : "no checkpoint was written yet";
  throw Error(Code::kInvalidInput, format("step {}", batch.step + 1), format("the {} is {} (batch: {})", what, value, batch.ids()),
              format("{}; look at these examples, lower learning_rate or max_grad_norm, or raise warmup_steps", kept));
}

// ---- the run

SftResult SftTrainer::run() {
  require_internal(log_ != nullptr, "resume() comes before run()");
  const SftConfig& c = task_.config;
  SftResult result;
  if (step_ < c.max_steps) {
    BatchPrefetcher batches(*task_.train, step_, c.max_steps, c.batch_size(), max_tokens());
    Progress progress("train sft", c.max_steps, "steps", step_);
    while (step_ < c.max_steps && !result.interrupted) {
      advance(batches.next(), progress);
      result.interrupted = interrupted() && step_ < c.max_steps;
      if (step_ % c.save_steps == 0 || step_ == c.max_steps || result.interrupted) save();
    }
  }
  if (result.interrupted) log_info(format("stopped after step {} of {}; {}", step_, c.max_steps, resume_hint(c)));
  result.step = step_;
  result.skipped = skipped_;
  result.loss = sums_.updates > 0 ? sums_.loss / static_cast<double>(sums_.updates) : last_loss_;
  return result;
}

void SftTrainer::advance(const SftBatch& batch, Progress& progress) {
  const SftConfig& c = task_.config;
  const bool last = step_ + 1 == c.max_steps, log_now = (step_ + 1) % c.logging_steps == 0 || last;
  report_problems(batch);
  const Update done = update(batch, log_now);
  ++step_;
  num_tokens_ += batch.tokens;
  sums_.loss += done.scores.loss;
  ++sums_.updates;
  pace_.tokens += batch.tokens;
  ++pace_.updates;
  const double seconds = progress.seconds() - pace_.since;
  progress.update(
      step_, format("loss {:.3f}  {} tok/s", done.scores.loss, human_count(static_cast<double>(pace_.tokens) / std::max(seconds, 1e-9))));
  if (log_now) {
    log_metrics(done, seconds);
    pace_ = {.since = progress.seconds()};
  }
  if (task_.validation && c.eval_steps > 0 && (step_ % c.eval_steps == 0 || last)) log_evaluation();
}

void SftTrainer::report_problems(const SftBatch& batch) {
  constexpr std::int64_t kShown = 20;
  for (const std::string& problem : batch.problems)
    if (++skipped_ <= kShown) log_warning(format("step {}: left out {}", batch.step + 1, problem));
  if (!batch.problems.empty() && skipped_ > kShown)
    log_warning(format("step {}: {} examples left out so far (skipped_examples in metrics.jsonl)", batch.step + 1, skipped_));
}

void SftTrainer::log_metrics(const Update& update, double seconds) {
  last_loss_ = sums_.loss / static_cast<double>(sums_.updates);
  sums_ = {};
  Metrics metrics{{"loss", last_loss_},
                  {"learning_rate", update.learning_rate},
                  {"grad_norm", update.grad_norm},
                  {"mean_token_accuracy", update.scores.accuracy},
                  {"num_tokens", static_cast<double>(num_tokens_)}};
  if (const std::int64_t epoch = task_.train->epoch_examples(); epoch > 0)
    metrics.emplace_back("epoch", static_cast<double>(step_ * task_.config.batch_size()) / static_cast<double>(epoch));
  if (skipped_ > 0) metrics.emplace_back("skipped_examples", static_cast<double>(skipped_));
  metrics.emplace_back("step_time", seconds / static_cast<double>(pace_.updates));
  metrics.emplace_back("tokens_per_second", seconds > 0 ? static_cast<double>(pace_.tokens) / seconds : 0);
  log_->log(step_, metrics);
}

Scores SftTrainer::evaluate() {
  require_internal(task_.validation != nullptr, "evaluation needs a validation source");
  const at::NoGradGuard no_grad;
  const SftBatch batch = make_batch(*task_.validation, std::max<std::int64_t>(0, step_ - 1), task_.config.eval_examples, max_tokens());
  if (batch.examples.empty())
    throw Error(Code::kInvalidInput, "eval_data",
                "no validation example can be used: " + (batch.problems.empty() ? "it is empty" : batch.problems[0]));
  Scores sum;
  for (const auto micro : batch.micro_batches(task_.config.per_device_train_batch_size)) {
    const Scores scores = micro_scores(micro, static_cast<double>(batch.completion_tokens), /*learn=*/false, /*want_accuracy=*/true);
    sum.loss += scores.loss;
    sum.accuracy += scores.accuracy;
    sum.tokens += scores.tokens;
  }
  return sum;
}

void SftTrainer::log_evaluation() {
  const Scores scores = evaluate();
  log_->log(
      step_,
      {{"eval_loss", scores.loss}, {"eval_mean_token_accuracy", scores.accuracy}, {"eval_num_tokens", static_cast<double>(scores.tokens)}});
}

}  // namespace beholder::train
