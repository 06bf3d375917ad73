#include "train/sft.h"

#include <filesystem>

#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "train/fresh_model.h"
#include "train/memory_advice.h"
#include "train/model_card.h"
#include "train/ranks.h"
#include "train/record_source.h"
#include "train/run_dir.h"
#include "train/run_setup.h"
#include "train/world_source.h"

namespace beholder::train {
namespace fs = std::filesystem;
namespace {

struct Sources {
  std::unique_ptr<SftSource> train, validation;
};

// `data`: the JSON lines of c.data.
Sources make_sources(const SftConfig& c, const std::string& data, const judge::JudgeSpec& spec) {
  const auto seed = static_cast<std::uint64_t>(c.seed);
  Sources out;
  if (c.data.empty()) {
    out.train = std::make_unique<WorldSource>(c.world, world::Split::kTrain, spec, seed);
    if (c.eval_steps > 0) out.validation = std::make_unique<WorldSource>(c.world, world::Split::kValidation, spec, seed);
    return out;
  }
  const judge::AnswerKind kind = judge::parse_answer_kind(c.answer);
  RecordSourceOptions options{.path = data, .kind = kind, .batch_size = c.batch_size(), .seed = seed};
  out.train = std::make_unique<RecordSource>(options, spec);
  options.path = c.eval_steps > 0 ? training_records(c, c.eval_data, "eval_data") : std::string();
  options.shuffle = false;
  if (c.eval_steps > 0) out.validation = std::make_unique<RecordSource>(options, spec);
  return out;
}

// The folder that says what the model is; a fresh one is written once per run, by rank 0, so that a resumed run reads what it began with.
std::string starting_dir(const SftConfig& c, dist::ProcessGroup& group) {
  if (!c.model.empty()) return hf::resolve_model_dir(c.model);
  const std::string base = c.output_dir + "/base";
  if (group.is_main() && (checkpoint_steps(c.output_dir).empty() || !fs::exists(base + "/config.json"))) {
    fs::remove_all(base);
    write_fresh_model_dir(base, c.init, static_cast<std::uint64_t>(c.seed));
  }
  group.any(false);  // the others read it afterwards
  return base;
}

vlm::Model starting_model(const SftConfig& c, const judge::JudgeSpec& spec, const std::string& dir) {
  if (!c.model.empty()) return load_starting_model(c, dir);
  vlm::Model model = vlm::init_model(spec.config, static_cast<std::uint64_t>(c.seed));
  model.device = vlm::parse_device(c.device);
  for (const vlm::ParamSpec& param : vlm::param_specs(spec.config)) model.params.set(param.name, model.params[param.name].to(model.device));
  return model;
}

SftOutcome sft_in_group(const SftConfig& config, dist::ProcessGroup& group) {
  const std::unique_ptr<RunLock> lock = lock_on_main(config, group);
  const std::string dir = starting_dir(config, group);
  const judge::JudgeSpec spec = judge::load_judge_spec(dir);
  const std::string data = first_on_main(group, [&] { return training_records(config, config.data, "data"); });
  const Sources sources = first_on_main(group, [&] { return make_sources(config, data, spec); });
  std::map<std::string, std::string> model_files = read_model_files(hf::base_model_dir(dir));
  SftTrainer trainer({.config = config,
                      .model = starting_model(config, spec, dir),
                      .model_files = model_files,
                      .inputs = data_identity(data),
                      .train = sources.train.get(),
                      .validation = sources.validation.get(),
                      .group = &group});
  const std::int64_t from_step = trainer.resume();
  SftConfig copy = config;
  FieldList fields;
  copy.fields(fields);
  Json run;
  if (group.is_main()) run = write_run_record(config, "train sft", fields, from_step);
  SftOutcome outcome;
  outcome.is_main = group.is_main();
  with_memory_advice(config, [&] { outcome.result = trainer.run(); });
  if (outcome.result.interrupted || !group.is_main()) return outcome;
  model_files["README.md"] = model_card({.config = config,
                                         .run = run,
                                         .metrics_path = config.output_dir + "/metrics.jsonl",
                                         .family = hf::family_name(spec.config.family),
                                         .parameters = trainer.model().params.numel()});
  outcome.final_dir = export_model(config, "final", trainer.model(), model_files, export_dtype(config, spec));
  log_info(format("trained {} updates; the model is in {}", outcome.result.step, outcome.final_dir));
  return outcome;
}

}  // namespace

SftOutcome train_sft(const SftConfig& config) {
  validate(config);
  return in_ranks(config, sft_in_group);
}

}  // namespace beholder::train
