#include "train/sft_trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/profile.h"
#include "core/progress.h"

namespace beholder::train {
namespace {

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
  const at::NoGradGuard no_grad;
  const std::int64_t rows = vlm::head_chunk_rows(model.config.text.vocab_size);
  const at::Tensor hidden = hidden_TD.detach();
  std::int64_t hits = 0;
  for (std::int64_t begin = 0; begin < targets.rows.size(0); begin += rows) {
    const std::int64_t n = std::min(rows, targets.rows.size(0) - begin);
    const at::Tensor best = vlm::logits(model, hidden, targets.rows.narrow(0, begin, n)).argmax(-1).to(at::kCPU);
    hits += best.eq(targets.ids.narrow(0, begin, n)).sum().item<std::int64_t>();
  }
  return hits;
}

}  // namespace

SftTrainer::SftTrainer(SftTask task)
    : task_(std::move(task)), run_(task_.config, identity(), task_.model, task_.model_files, *task_.group) {
  require_internal(task_.train != nullptr, "a trainer has a source");
  task_.model.dtype = task_.config.bf16 ? at::kBFloat16 : at::kFloat;
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
  const std::int64_t step = run_.resume();
  if (step == 0) return step;
  const Json& state = run_.state();
  const std::string where = "state.json";
  sums_.loss = json_need<double>(state, "loss_sum", where);
  sums_.updates = json_need<std::int64_t>(state, "loss_updates", where);
  last_loss_ = json_need<double>(state, "last_loss", where);
  num_tokens_ = json_need<std::int64_t>(state, "num_tokens", where);
  skipped_ = json_need<std::int64_t>(state, "skipped_examples", where);
  return step;
}

void SftTrainer::save() {
  run_.save({{"loss_sum", sums_.loss},
             {"loss_updates", sums_.updates},
             {"last_loss", last_loss_},
             {"num_tokens", num_tokens_},
             {"skipped_examples", skipped_}});
}

// ---- one update

// Every rank has its examples, and the whole batch's problems and counts.
SftBatch SftTrainer::of_all_ranks(SftBatch batch) {
  dist::ProcessGroup& group = run_.group();
  batch.problems = group.gather_texts(batch.problems);
  batch.tokens = group.sum(batch.tokens);
  batch.completion_tokens = group.sum(batch.completion_tokens);
  return batch;
}

Scores SftTrainer::total(const Scores& scores) {
  dist::ProcessGroup& group = run_.group();
  return {.loss = group.sum(scores.loss), .accuracy = group.sum(scores.accuracy), .tokens = group.sum(scores.tokens)};
}

// `loss`: to be differentiated; null: not wanted.
Scores SftTrainer::micro_scores(std::span<const SftExample> examples, double denominator, bool want_accuracy, at::Tensor* loss_out) {
  const ProfileSpan span("forward and loss");
  std::vector<vlm::Segment> segments;
  for (const SftExample& example : examples) segments.push_back(example.segment);
  const vlm::Packed packed = vlm::pack(task_.model.config, segments);
  const Targets targets = completion_targets(examples, packed);
  const at::Tensor hidden_TD = vlm::forward(task_.model, packed);
  const at::Tensor loss = -vlm::token_logprobs(task_.model, hidden_TD, targets.rows, targets.ids).sum() / denominator;
  Scores scores{.loss = loss.item<double>(), .tokens = targets.ids.size(0)};
  if (want_accuracy) scores.accuracy = static_cast<double>(count_hits(task_.model, hidden_TD, targets)) / denominator;
  if (loss_out) *loss_out = loss;
  return scores;
}

SftTrainer::Update SftTrainer::update(const SftBatch& batch, bool want_accuracy) {
  const SftConfig& c = task_.config;
  if (batch.completion_tokens == 0)
    throw Error(Code::kInvalidInput, format("step {}", batch.step + 1), "no example of its batch can be used: " + batch.problems.at(0),
                "mend the data; checkpoints so far are intact");
  Update update;
  run_.zero_grad();
  // The whole loss is known before the last pass backward, during which gradients may already leave.
  const auto complete = [&] {
    update.scores = total(update.scores);
    run_.last_backward();
  };
  std::size_t left = batch.examples.size();
  if (left == 0) complete();
  for (const auto micro : batch.micro_batches(c.per_device_train_batch_size)) {
    at::Tensor loss;
    const Scores scores = micro_scores(micro, static_cast<double>(batch.completion_tokens), want_accuracy, &loss);
    update.scores.loss += scores.loss;
    update.scores.accuracy += scores.accuracy;
    update.scores.tokens += scores.tokens;
    left -= micro.size();
    if (left == 0) complete();
    const ProfileSpan span("backward");
    if (std::isfinite(update.scores.loss)) loss.backward();
  }
  run_.require_finite(update.scores.loss, "loss", batch.ids());
  update.grad_norm = run_.update();
  run_.require_finite(update.grad_norm, "gradient norm", batch.ids());
  update.learning_rate = run_.learning_rate();
  return update;
}

// ---- the run

SftResult SftTrainer::run() {
  const SftConfig& c = task_.config;
  SftResult result;
  if (run_.step() < c.max_steps) {
    BatchPrefetcher batches(*task_.train, run_.step(), c.max_steps, run_.group().part(c.batch_size()), max_tokens());
    Progress progress("train sft", c.max_steps, "steps", run_.step());
    while (run_.step() < c.max_steps && !result.interrupted) {
      advance(of_all_ranks(batches.next()), progress);
      result.interrupted = run_.group().any(interrupted()) && run_.step() < c.max_steps;
      if (run_.step() % c.save_steps == 0 || run_.step() == c.max_steps || result.interrupted) save();
    }
  }
  if (result.interrupted) log_info(format("stopped after step {} of {}; {}", run_.step(), c.max_steps, run_.resume_hint()));
  result.step = run_.step();
  result.skipped = skipped_;
  result.loss = sums_.updates > 0 ? sums_.loss / static_cast<double>(sums_.updates) : last_loss_;
  return result;
}

void SftTrainer::advance(const SftBatch& batch, Progress& progress) {
  const SftConfig& c = task_.config;
  const bool last = run_.step() + 1 == c.max_steps, log_now = (run_.step() + 1) % c.logging_steps == 0 || last;
  report_problems(batch);
  const Update done = update(batch, log_now);
  num_tokens_ += batch.tokens;
  sums_.loss += done.scores.loss;
  ++sums_.updates;
  pace_.tokens += batch.tokens;
  ++pace_.updates;
  const double seconds = progress.seconds() - pace_.since;
  progress.update(run_.step(), format("loss {:.3f}  {} tok/s", done.scores.loss,
                                      human_count(static_cast<double>(pace_.tokens) / std::max(seconds, 1e-9))));
  if (log_now) {
    log_metrics(done, seconds);
    pace_ = {.since = progress.seconds()};
  }
  if (task_.validation && c.eval_steps > 0 && (run_.step() % c.eval_steps == 0 || last)) log_evaluation();
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
    metrics.emplace_back("epoch", static_cast<double>(run_.step() * task_.config.batch_size()) / static_cast<double>(epoch));
  if (skipped_ > 0) metrics.emplace_back("skipped_examples", static_cast<double>(skipped_));
  metrics.emplace_back("step_time", seconds / static_cast<double>(pace_.updates));
  metrics.emplace_back("tokens_per_second", seconds > 0 ? static_cast<double>(pace_.tokens) / seconds : 0);
  run_.log().log(run_.step(), metrics);
}

Scores SftTrainer::evaluate() {
  require_internal(task_.validation != nullptr, "evaluation needs a validation source");
  const at::NoGradGuard no_grad;
  const SftBatch batch = of_all_ranks(make_batch(*task_.validation, std::max<std::int64_t>(0, run_.step() - 1),
                                                 run_.group().part(task_.config.eval_examples), max_tokens()));
  if (batch.completion_tokens == 0)
    throw Error(Code::kInvalidInput, "eval_data",
                "no validation example can be used: " + (batch.problems.empty() ? "it is empty" : batch.problems[0]));
  Scores sum;
  for (const auto micro : batch.micro_batches(task_.config.per_device_train_batch_size)) {
    const Scores scores = micro_scores(micro, static_cast<double>(batch.completion_tokens), /*want_accuracy=*/true, nullptr);
    sum.loss += scores.loss;
    sum.accuracy += scores.accuracy;
    sum.tokens += scores.tokens;
  }
  return total(sum);
}

void SftTrainer::log_evaluation() {
  const Scores scores = evaluate();
  run_.log().log(
      run_.step(),
      {{"eval_loss", scores.loss}, {"eval_mean_token_accuracy", scores.accuracy}, {"eval_num_tokens", static_cast<double>(scores.tokens)}});
}

}  // namespace beholder::train
