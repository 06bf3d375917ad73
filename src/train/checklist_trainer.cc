#include "train/checklist_trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/profile.h"
#include "train/checklist_eval.h"
#include "train/run_setup.h"

namespace beholder::train {
namespace {

std::string ids_of(std::span<const TaughtItem> items) {
  std::string out;
  for (const TaughtItem& item : items) out += (out.empty() ? "" : ", ") + item.id;
  return out;
}

std::int64_t count_questions(std::span<const TaughtItem> items) {
  std::int64_t n = 0;
  for (const TaughtItem& item : items) n += std::ssize(item.known);
  return n;
}

}  // namespace

ChecklistTrainer::ChecklistTrainer(ChecklistTask task)
    : task_(std::move(task)),
      tokens_(judge::find_yes_no(task_.spec->tokenizer, task_.config.model)),
      run_(task_.config, identity(), task_.model, task_.model_files, *task_.group) {
  require_internal(task_.train != nullptr, "a trainer has a source");
  task_.model.dtype = task_.config.bf16 ? at::kBFloat16 : at::kFloat;
}

Json ChecklistTrainer::identity() const {
  Json json = numeric_config(task_.config);
  json["inputs"] = task_.inputs;
  return json;
}

// ---- checkpoints

std::int64_t ChecklistTrainer::resume() {
  const std::int64_t step = run_.resume();
  if (step == 0) return step;
  const Json& state = run_.state();
  const std::string where = "state.json";
  sums_.loss = json_need<double>(state, "loss_sum", where);
  sums_.right = json_need<double>(state, "right_sum", where);
  sums_.updates = json_need<std::int64_t>(state, "updates", where);
  last_loss_ = json_need<double>(state, "last_loss", where);
  num_questions_ = json_need<std::int64_t>(state, "num_questions", where);
  skipped_ = json_need<std::int64_t>(state, "skipped_items", where);
  best_step_ = json_need<std::int64_t>(state, "best_step", where);
  if (state.contains("best_metric") && state["best_metric"].is_number()) best_metric_ = state["best_metric"].get<double>();
  return step;
}

void ChecklistTrainer::save() {
  run_.save({{"loss_sum", sums_.loss},
             {"right_sum", sums_.right},
             {"updates", sums_.updates},
             {"last_loss", last_loss_},
             {"num_questions", num_questions_},
             {"skipped_items", skipped_},
             {"best_metric", best_metric_ ? Json(*best_metric_) : Json()},
             {"best_step", best_step_}});
}

// ---- one update

// This rank's of update `step`, made by a thread while the update before it runs.
std::vector<TaughtItem> ChecklistTrainer::taught(std::int64_t step) {
  const auto make = [source = task_.train, part = run_.group().part(task_.config.batch_size())](std::int64_t of) {
    std::vector<TaughtItem> items;
    for (std::int64_t index = part.first; index < part.second; ++index) items.push_back(source->taught(of, index));
    return items;
  };
  std::vector<TaughtItem> items = ahead_.valid() && ahead_step_ == step ? ahead_.get() : make(step);
  ahead_step_ = step + 1;
  ahead_ = std::async(std::launch::async, make, step + 1);
  return items;
}

std::vector<TaughtItem> ChecklistTrainer::batch() {
  const std::int64_t room = task_.model.config.text.max_position_embeddings;
  std::vector<TaughtItem> out;
  std::vector<std::string> problems;
  for (TaughtItem& item : taught(run_.step())) {
    if (item.problem.empty() && room > 0) {
      judge::AskForest forest;
      forest.add(judge::ask_segments(*task_.spec, item.asked));
      if (forest.longest_path > room) item.problem = format("{} tokens, more than the model's {}", forest.longest_path, room);
    }
    if (item.problem.empty())
      out.push_back(std::move(item));
    else
      problems.push_back(format("{}: {}", item.id, item.problem));
  }
  problems = run_.group().gather_texts(problems);
  skipped_ += std::ssize(problems);
  for (const std::string& problem : problems) warnings_.add(format("step {}: left out {}", run_.step() + 1, problem));
  if (std::ssize(problems) == task_.config.batch_size())
    throw Error(Code::kInvalidInput, format("step {}", run_.step() + 1), "no item of its batch can be used: " + problems.back(),
                "mend the data; checkpoints so far are intact");
  return out;
}

// `loss`: to be differentiated.
ChecklistTrainer::Loss ChecklistTrainer::micro(std::span<const TaughtItem> items, double denominator, at::Tensor& loss) {
  const ProfileSpan span("forward and loss");
  judge::AskForest forest;
  std::vector<std::int64_t> targets;
  for (const TaughtItem& item : items) {
    forest.add(judge::ask_segments(*task_.spec, item.asked));
    for (const Known& known : item.known) targets.push_back(known.yes ? tokens_.yes[0] : tokens_.no[0]);
  }
  const vlm::Packed packed = vlm::pack(task_.spec->config, forest.segments);
  const std::vector<std::int64_t> rows = forest.rows(packed);
  const at::Tensor hidden_TD = vlm::forward(task_.model, packed);
  loss = -vlm::token_logprobs(task_.model, hidden_TD, at::tensor(rows, at::kLong), at::tensor(targets, at::kLong)).sum() / denominator;
  Loss out{.loss = loss.item<double>(), .questions = std::ssize(rows)};
  {
    const at::NoGradGuard no_grad;
    const at::Tensor yes = judge::yes_probabilities(task_.model, tokens_, hidden_TD.detach(), rows).gt(0.5).to(at::kCPU);
    out.right = static_cast<double>(yes.eq(at::tensor(targets, at::kLong).eq(tokens_.yes[0])).sum().item<std::int64_t>()) / denominator;
  }
  return out;
}

ChecklistTrainer::Loss ChecklistTrainer::accumulate(std::span<const TaughtItem> items) {
  run_.zero_grad();
  dist::ProcessGroup& group = run_.group();
  const auto denominator = static_cast<double>(group.sum(count_questions(items)));
  const auto size = static_cast<std::size_t>(task_.config.per_device_train_batch_size);
  Loss out;
  // The whole loss is known before the last pass backward, during which gradients may already leave.
  const auto complete = [&] {
    out = {.loss = group.sum(out.loss), .right = group.sum(out.right), .questions = group.sum(out.questions)};
    run_.last_backward();
  };
  if (items.empty()) complete();
  for (std::size_t begin = 0; begin < items.size(); begin += size) {
    at::Tensor loss;
    const Loss part = micro(items.subspan(begin, std::min(size, items.size() - begin)), denominator, loss);
    out.loss += part.loss;
    out.right += part.right;
    out.questions += part.questions;
    if (begin + size >= items.size()) complete();
    const ProfileSpan span("backward");
    if (std::isfinite(out.loss)) loss.backward();
  }
  return out;
}

// ---- the run

ChecklistResult ChecklistTrainer::run() {
  const ChecklistConfig& c = task_.config;
  ChecklistResult result;
  if (!run_.last_step()) {
    Progress progress("train checklist", c.max_steps, "steps", run_.step());
    while (!run_.last_step() && !result.interrupted) {
      advance(progress);
      result.interrupted = run_.group().any(interrupted()) && !run_.last_step();
      if (run_.step() % c.save_steps == 0 || run_.last_step() || result.interrupted) save();
    }
  }
  if (result.interrupted) log_info(format("stopped after step {} of {}; {}", run_.step(), c.max_steps, run_.resume_hint()));
  result.step = run_.step();
  result.skipped = skipped_;
  result.loss = sums_.updates > 0 ? sums_.loss / static_cast<double>(sums_.updates) : last_loss_;
  result.best_metric = best_metric_;
  result.best_step = best_step_;
  return result;
}

void ChecklistTrainer::advance(Progress& progress) {
  const ChecklistConfig& c = task_.config;
  const std::vector<TaughtItem> items = batch();
  const Loss loss = accumulate(items);
  run_.require_finite(loss.loss, "loss", ids_of(items));
  const double norm = run_.update();
  run_.require_finite(norm, "gradient norm", ids_of(items));
  num_questions_ += loss.questions;
  sums_.loss += loss.loss;
  sums_.right += loss.right;
  ++sums_.updates;
  pace_.questions += loss.questions;
  ++pace_.updates;
  progress.update(run_.step(), format("loss {:.3f}  right {:.0f}%", loss.loss, 100 * loss.right));
  if (run_.step() % c.logging_steps == 0 || run_.last_step()) {
    log_metrics(loss, norm, progress.seconds() - pace_.since);
    pace_ = {.since = progress.seconds()};
  }
  if (task_.validation && c.eval_steps > 0 && (run_.step() % c.eval_steps == 0 || run_.last_step())) evaluate();
}

void ChecklistTrainer::log_metrics(const Loss& loss, double norm, double seconds) {
  const auto updates = static_cast<double>(sums_.updates);
  last_loss_ = sums_.loss / updates;
  Metrics metrics{{"loss", last_loss_},
                  {"accuracy", sums_.right / updates},
                  {"learning_rate", run_.learning_rate()},
                  {"grad_norm", norm},
                  {"questions", static_cast<double>(loss.questions)},
                  {"num_questions", static_cast<double>(num_questions_)}};
  sums_ = {};
  if (const std::int64_t epoch = task_.train->items(); epoch > 0)
    metrics.emplace_back("epoch", static_cast<double>(run_.step() * task_.config.batch_size()) / static_cast<double>(epoch));
  if (skipped_ > 0) metrics.emplace_back("skipped_items", static_cast<double>(skipped_));
  metrics.emplace_back("step_time", seconds / static_cast<double>(pace_.updates));
  metrics.emplace_back("questions_per_second", seconds > 0 ? static_cast<double>(pace_.questions) / seconds : 0);
  run_.log().log(run_.step(), metrics);
}

void ChecklistTrainer::evaluate() {
  const ChecklistConfig& c = task_.config;
  const ChecklistEval eval = evaluate_checklist(*task_.spec, task_.model, *task_.validation, c.eval_items, {}, run_.group());
  run_.log().log(run_.step(), eval.metrics);
  if (eval.skipped > 0) log_warning(format("step {}: {} validation items could not be used", run_.step(), eval.skipped));
  for (const auto& [name, value] : eval.metrics) {
    if (name != c.metric_for_best_model || !std::isfinite(value)) continue;
    if (best_metric_ && (name == "eval_loss" ? value >= *best_metric_ : value <= *best_metric_)) continue;
    best_metric_ = value;
    best_step_ = run_.step();
    if (!run_.group().is_main()) continue;
    write_file_atomic(c.output_dir + "/questions.json", Json{{"step", best_step_}, {"questions", eval.questions}}.dump(1) + "\n");
    export_model(c, "best", task_.model, task_.model_files, export_dtype(c, *task_.spec));
  }
}

}  // namespace beholder::train
