#include "train/training_run.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "core/heap.h"
#include "core/profile.h"
#include "core/progress.h"
#include "train/trained.h"
#include "vlm/lora.h"

namespace beholder::train {

namespace {

// What a parameter is called in a checkpoint: an adapter's pair as PEFT calls it.
std::string file_name(const RunConfig& config, const std::string& param) {
  return config.use_peft ? vlm::adapter_tensor_name(param) : param;
}

}  // namespace

// Adds to every line about updates what they cost beside: the most memory so far, and with several ranks the seconds an update waited for
// the others, and the share of the time in which gradients and parameters were under way that it did not wait.
class TrainingRun::CostLog : public RunLog {
 public:
  CostLog(std::unique_ptr<RunLog> log, GradientExchange& exchange, std::int64_t step, at::Device device, bool is_alone)
      : log_(std::move(log)), exchange_(exchange), step_(step), device_(device), is_alone_(is_alone) {}
  void log(std::int64_t step, const Metrics& metrics) override {
    Metrics all = metrics;
    if (std::ranges::any_of(metrics, [](const auto& metric) { return metric.first == "learning_rate"; })) {
      all.emplace_back("memory/peak_rss_gb", peak_memory_gb());
      if (!device_.is_cpu()) all.emplace_back("memory/peak_device_gb", vlm::peak_device_memory_gb(device_));
    }
    if (!is_alone_ && std::ranges::any_of(metrics, [](const auto& metric) { return metric.first == "grad_norm"; })) {
      const dist::Traffic traffic = exchange_.take_traffic();
      const double updates = static_cast<double>(std::max<std::int64_t>(1, step - std::exchange(step_, step)));
      all.emplace_back("time/exchange", traffic.waited_s() / updates);
      all.emplace_back("exchange/hidden", traffic.hidden());
    }
    log_->log(step, all);
  }
  void sync() override { log_->sync(); }

 private:
  std::unique_ptr<RunLog> log_;
  GradientExchange& exchange_;
  std::int64_t step_;  // of the line before
  at::Device device_;
  bool is_alone_;
};

TrainingRun::TrainingRun(const RunConfig& config, Json identity, vlm::Model& model, std::map<std::string, std::string> model_files,
                         dist::ProcessGroup& group)
    : TrainingRun(config, std::move(identity),
                  TrainedWeights{.params = model.params, .leaves = make_trained(config, model), .config = model.config.raw},
                  std::move(model_files), group) {
  vlm::set_process_for(model);
  if (const std::string frozen = frozen_sha256(model); !frozen.empty()) identity_["frozen_weights_sha256"] = frozen;
}

TrainingRun::TrainingRun(const RunConfig& config, Json identity, TrainedWeights weights, std::map<std::string, std::string> model_files,
                         dist::ProcessGroup& group)
    : config_(config),
      identity_(std::move(identity)),
      model_config_(std::move(weights.config)),
      params_(weights.params),
      model_files_(std::move(model_files)),
      schedule_(parse_schedule(config.lr_scheduler_type)),
      group_(group),
      exchange_(group, weights.leaves, config.gradient_checkpointing),
      optimizer_(
          std::move(weights.leaves),
          AdamWOptions{
              .beta1 = config.adam_beta1, .beta2 = config.adam_beta2, .epsilon = config.adam_epsilon, .weight_decay = config.weight_decay},
          exchange_.mine()) {}

RunLog& TrainingRun::log() {
  require_internal(log_ != nullptr, "resume() comes first");
  return *log_;
}

std::string TrainingRun::resume_hint() const {
  return format("run the same command again to go on from {}/latest", config_.output_dir);
}

// Nothing: the run starts anew.
std::optional<Found> TrainingRun::checkpoint_to_resume() const {
  const RunConfig& c = config_;
  const bool has_checkpoints = !checkpoint_steps(c.output_dir).empty();
  if (c.resume_from_checkpoint == "auto" && has_checkpoints) {
    std::vector<std::string> skipped;
    std::optional<Found> found = load_latest_checkpoint(c.output_dir, skipped);
    for (const std::string& line : skipped) log_warning(line);
    if (!found)
      throw Error(Code::kCorrupt, c.output_dir, "none of its checkpoints is whole",
                  "restore one from a backup, or choose another output_dir");
    return found;
  }
  if (c.resume_from_checkpoint == "none" && has_checkpoints)
    throw Error(Code::kUsage, c.output_dir, "already holds the checkpoints of a run",
                "use resume_from_checkpoint = auto to go on, or choose another output_dir");
  if (c.resume_from_checkpoint == "auto" || c.resume_from_checkpoint == "none") return std::nullopt;
  return Found{c.resume_from_checkpoint, load_checkpoint(c.resume_from_checkpoint)};
}

std::int64_t TrainingRun::resume() {
  std::optional<Found> found;
  if (group_.is_main()) found = checkpoint_to_resume();
  const std::string path = group_.gather(found ? found->path : std::string())[0];
  if (!group_.is_main() && !path.empty()) found = Found{path, load_checkpoint(path)};
  if (found) restore(found->content, found->path);
  if (group_.is_main())
    log_ = std::make_unique<FileRunLog>(config_.output_dir, saved_step_ >= 0 ? step_ : -1);
  else
    log_ = std::make_unique<NullRunLog>();
  log_ = std::make_unique<CostLog>(std::move(log_), exchange_, step_, params_.all().begin()->second.device(), group_.is_alone());
  return step_;
}

void TrainingRun::restore(const CheckpointContent& content, const std::string& path) {
  Json wanted = identity_;
  // What an earlier version did not yet store of the inputs cannot be compared; the next checkpoint has it.
  if (const auto stored = content.config.find("inputs"); stored != content.config.end() && wanted.contains("inputs"))
    for (const auto& [key, value] : identity_["inputs"].items())
      if (!stored->contains(key)) wanted["inputs"].erase(key);
  const std::vector<std::string> differ = config_differences(content.config, wanted);
  if (!differ.empty())
    throw Error(
        Code::kUsage, path, format("was written by a run with another {}", fmt::join(differ, ", ")),
        format("resume with the configuration in run.json; to train on from these weights, set model = {} and a new output_dir", path));
  const at::NoGradGuard no_grad;
  for (const NamedParam& param : optimizer_.params()) {
    const auto it = content.model.find(file_name(config_, param.name));
    if (it == content.model.end() || it->second.sizes() != param.value.sizes())
      throw Error(Code::kCorrupt, path, format("lacks weights that fit {}", param.name), "resume from a checkpoint of this model");
    at::Tensor(param.value).copy_(it->second);
  }
  optimizer_.load_state(content.optimizer, path);
  for (const auto& [name, tensor] : kept_) {
    const auto it = content.optimizer.find(name);
    if (it == content.optimizer.end() || it->second.sizes() != tensor.sizes())
      throw Error(Code::kCorrupt, path, format("its optimiser state lacks \"{}\"", name), "resume from a checkpoint of this run");
    at::Tensor(tensor).copy_(it->second);
  }
  step_ = saved_step_ = content.step;
  state_ = content.state;
  log_info(format("resumed {} after step {} of {}", path, step_, config_.max_steps));
}

void TrainingRun::save(const Json& trainer_state) {
  if (saved_step_ == step_) return;
  const ProfileSpan span("checkpoint");
  TensorMap optimizer = optimizer_state();
  if (!group_.is_main()) {
    saved_step_ = step_;
    return;
  }
  CheckpointContent content;
  content.step = step_;
  content.config = identity_;
  content.state = trainer_state;
  content.optimizer = std::move(optimizer);
  content.optimizer.insert(kept_.begin(), kept_.end());
  if (config_.use_peft) {
    for (const NamedParam& param : optimizer_.params()) content.model[file_name(config_, param.name)] = param.value;
    content.model_file = hf::kAdapterWeights;
    content.files[hf::kAdapterConfig] = hf::adapter_config_text(adapter_of(config_));
  } else {
    for (const auto& [name, value] : params_.all()) content.model[name] = value;
    content.files = model_files_;
    Json config = model_config_;
    config["torch_dtype"] = "float32";
    content.files["config.json"] = config.dump(2) + "\n";
  }
  log().sync();
  save_checkpoint(config_.output_dir, content, config_.save_total_limit);
  saved_step_ = step_;
}

// Every rank has its share; rank 0 gets them all, one tensor at a time.
TensorMap TrainingRun::optimizer_state() {
  TensorMap state = optimizer_.state();
  if (group_.is_alone()) return state;
  for (std::size_t i = 0; i < optimizer_.params().size(); ++i)
    for (const char* kind : {"exp_avg/", "exp_avg_sq/"}) {
      const NamedParam& param = optimizer_.params()[i];
      const std::string name = kind + param.name;
      at::Tensor tensor = exchange_.is_mine(i) ? state[name] : at::empty_like(param.value, at::TensorOptions().requires_grad(false));
      group_.broadcast(tensor, exchange_.owner(i));
      if (group_.is_main()) state[name] = tensor;
    }
  group_.sum(state["steps"]);
  return state;
}

void TrainingRun::last_backward() {
  if (!group_.is_alone()) exchange_.begin();
}

double TrainingRun::update() {
  const ProfileSpan span("update");
  exchange_.finish();
  const double own = grad_norm(optimizer_.params()), norm = group_.is_alone() ? own : std::sqrt(group_.sum(own * own));
  if (!std::isfinite(norm)) return norm;
  const Cycle cycle = cycle_of(step_, config_.lr_cycle_steps, config_.max_steps);
  learning_rate_ = config_.learning_rate * schedule_factor(schedule_, cycle.step, config_.warmup_steps, cycle.total_steps);
  optimizer_.step(learning_rate_, clip_factor(norm, config_.max_grad_norm));
  exchange_.share();
  ++step_;
  return norm;
}

void TrainingRun::require_finite(double value, const char* what, const std::string& batch) const {
  if (std::isfinite(value)) return;
  const std::string kept = saved_step_ >= 0 ? format("the checkpoint of step {} is intact", saved_step_) : "no checkpoint was written yet";
  throw Error(Code::kInvalidInput, format("step {}", step_ + 1), format("the {} is {} (batch: {})", what, value, batch),
              format("{}; look at these examples, lower learning_rate or max_grad_norm, or raise warmup_steps", kept));
}

}  // namespace beholder::train
