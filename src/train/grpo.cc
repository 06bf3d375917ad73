#include "train/grpo.h"

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "train/fresh_model.h"
#include "train/memory_advice.h"
#include "train/ranks.h"
#include "train/run_dir.h"
#include "train/run_setup.h"
#include "train/trained.h"

namespace beholder::train {
namespace {

// `data`: the JSON lines of c.data.
std::unique_ptr<PreferenceSource> make_source(const GrpoConfig& c, const std::string& data, bool train) {
  if (!c.data.empty()) {
    const std::string path = train ? data : training_records(c, c.eval_data, "eval_data");
    return path.empty() ? nullptr : record_preferences(path, static_cast<std::uint64_t>(c.seed), train);
  }
  const world::WorldConfig world{.seed = c.world_seed};
  // Every seed of a run sees other items; a billion apart, so that no two runs share any.
  const std::int64_t first = train ? (c.seed % 1'000'000) * 1'000'000'000 : 0;
  return world_preferences(world, train ? world::Split::kTrain : world::Split::kValidation, first);
}

// `listener`: null where the model hears itself, or none does.
Json input_hashes(const std::string& data, const std::string& model_dir, const vlm::Model& model, const vlm::Model* listener) {
  Json out = data_identity(data);
  out["model_weights_sha256"] = frozen_sha256(model);  // as loaded, all of them are
  if (listener) out["listener_weights_sha256"] = frozen_sha256(*listener);
  out["model_config_sha256"] = sha256_hex(MappedFile::open(hf::base_model_dir(model_dir) + "/config.json")->bytes());
  return out;
}

GrpoOutcome train_in_group(const GrpoConfig& config, dist::ProcessGroup& group) {
  const std::unique_ptr<RunLock> lock = lock_on_main(config, group);
  const std::string dir = hf::resolve_model_dir(config.model);
  const judge::JudgeSpec spec = judge::load_judge_spec(dir);
  vlm::Model model = load_starting_model(config, dir);
  std::optional<vlm::Model> frozen;  // what is trained gets its own memory, so the two only share what is not
  if (config.listener == "self" || config.loss.beta > 0) frozen = model;
  std::optional<judge::JudgeModel> heard;
  std::optional<Listener> listener;
  if (config.listener == "self") {
    listener.emplace(spec, *frozen, config.listener_redact);
  } else if (!config.listener.empty()) {
    heard.emplace(judge::load_judge_model(config.listener, {.dtype = at::kFloat, .device = vlm::parse_device(config.device)}));
    listener.emplace(heard->spec, heard->model, config.listener_redact);
  }
  const std::string data = first_on_main(group, [&] { return training_records(config, config.data, "data"); });
  const auto train = make_source(config, data, true);
  const auto validation = config.eval_steps > 0 ? first_on_main(group, [&] { return make_source(config, data, false); }) : nullptr;
  std::map<std::string, std::string> model_files = read_model_files(hf::base_model_dir(dir));
  const Json inputs = input_hashes(data, dir, model, heard ? &heard->model : nullptr);
  GrpoTask task{.config = config,
                .spec = &spec,
                .model = std::move(model),
                .reference = {},
                .model_files = model_files,
                .inputs = inputs,
                .train = train.get(),
                .validation = validation.get(),
                .listener = listener ? &*listener : nullptr,
                .group = &group};
  if (config.loss.beta > 0) task.reference = frozen;
  GrpoTrainer trainer(std::move(task));
  const std::int64_t from_step = trainer.resume();
  GrpoConfig copy = config;
  FieldList fields;
  copy.fields(fields);
  if (group.is_main()) write_run_record(config, "train grpo", fields, from_step);
  GrpoOutcome outcome;
  outcome.is_main = group.is_main();
  with_memory_advice(config, [&] { outcome.result = trainer.run(); });
  if (outcome.result.interrupted || !group.is_main()) return outcome;
  outcome.final_dir = export_model(config, "final", trainer.model(), model_files, export_dtype(config, spec));
  log_info(format("trained {} updates; the model is in {}", outcome.result.step, outcome.final_dir));
  if (outcome.result.best_metric)
    log_info(format("best {} {:.4f} after step {}: {}/best", config.metric_for_best_model, *outcome.result.best_metric,
                    outcome.result.best_step, config.output_dir));
  return outcome;
}

}  // namespace

GrpoOutcome train_grpo(const GrpoConfig& config) {
  validate(config);
  GrpoOutcome outcome;
  with_ranks(config, [&](dist::ProcessGroup& group) {
    const GrpoConfig whole = for_ranks(config, group);
    require_field(whole.batch_size() / whole.num_generations >= group.size(), "per_device_train_batch_size",
                  format("{} prompts an update for {} processes", whole.batch_size() / whole.num_generations, group.size()),
                  "give each process at least one: raise it or gradient_accumulation_steps, or lower num_generations");
    outcome = train_in_group(whole, group);
  });
  return outcome;
}

}  // namespace beholder::train
