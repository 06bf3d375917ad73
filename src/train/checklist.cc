#include "train/checklist.h"

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "train/answer_tokens.h"
#include "train/fresh_model.h"
#include "train/memory_advice.h"
#include "train/ranks.h"
#include "train/run_dir.h"
#include "train/run_setup.h"
#include "train/world_taught.h"

namespace beholder::train {
namespace {

// Checks the questions before the model is loaded, and the data they belong to.
std::unique_ptr<TaughtSource> make_source(const ChecklistConfig& c, const std::string& data, const judge::JudgeSpec& spec, bool train) {
  WorldTaughtOptions options;
  options.seed = static_cast<std::uint64_t>(c.seed);
  options.most_questions = static_cast<std::size_t>(c.questions_per_item);
  options.batch_size = c.batch_size();
  options.world_seed = c.world_seed;
  options.video_share = c.video_share;
  options.lessons = c.lessons;
  options.lesson_kinds = c.lessons_of();
  if (c.data.empty()) {
    if (!train) options.seed = 0;  // every run is held against the same scenes
    return world_taught(options, train ? world::Split::kTrain : world::Split::kValidation, spec);
  }
  const std::string path = train ? data : training_records(c, c.eval_data, "eval_data");
  return annotated_source(path, checklist::load_checklist(c.questions, c.masks), spec, options);
}

// The spec of the model that is trained. Where its tokenizer lacks the answers' tokens it gets them, in <output_dir>/base, which rank 0
// writes.
judge::JudgeSpec answering_spec(const ChecklistConfig& c, const std::string& dir, std::map<std::string, std::string>& files, bool is_main) {
  const std::string from = hf::base_model_dir(dir);
  files = read_model_files(from);
  judge::JudgeSpec spec = judge::load_judge_spec(dir);
  const std::vector<std::string> words = {"yes", "no"};
  if (!add_word_tokens(files, spec, words, from)) return spec;
  require_field(!c.use_peft, "use_peft", format("the tokenizer of {} gets \"yes\" and \"no\", and an adapter carries no tokenizer", from),
                "train it whole, or start from a checkpoint that has them");
  const std::string base = c.output_dir + "/base";
  if (is_main) {
    for (const auto& [file, bytes] : files) write_file_atomic(base + "/" + file, bytes);
    write_file_atomic(base + "/config.json", read_file(from + "/config.json"));
  }
  return judge::load_judge_spec(base);
}

std::string model_card(const ChecklistConfig& c, const judge::JudgeSpec& spec, const Json& run, const ChecklistResult& result,
                       std::int64_t parameters) {
  const Json& versions = run.at("versions");
  const std::string measured = result.best_metric ? format("Best {} on validation: {:.4f}, after step {}.", c.metric_for_best_model,
                                                           *result.best_metric, result.best_step)
                                                  : std::string("There was no validation.");
  return format(
      "---\nlibrary_name: transformers\npipeline_tag: image-text-to-text\ntags:\n- beholder\n- checklist\n---\n"
      "\n# Answers a checklist's yes/no questions about images and videos ({}, {} parameters)\n\n"
      "    beholder checklist ask --model . --questions {} --prompt \"a red circle\" a.png b.png\n\n"
      "## Training\n\nCross-entropy of the answer's token, yes and no of every question asked equally often. {} updates of {} media on {}, "
      "peak "
      "learning rate {} ({}), seed {}. {} Beholder {}, revision {}, LibTorch {}.\n\n## Recipe\n\n```json\n{}\n```\n",
      hf::family_name(spec.config.family), human_count(static_cast<double>(parameters)), c.data.empty() ? "world" : c.questions,
      c.max_steps, c.batch_size(), c.data.empty() ? "the embedded synthetic world" : "annotated media", c.learning_rate,
      c.lr_scheduler_type, c.seed, measured, versions.value("beholder", ""), versions.value("git_revision", ""),
      versions.value("libtorch", ""), numeric_config(c).dump(1));
}

ChecklistOutcome checklist_in_group(const ChecklistConfig& config, dist::ProcessGroup& group) {
  const std::unique_ptr<RunLock> lock = lock_on_main(config, group);
  const std::string dir = hf::resolve_model_dir(config.model);
  std::map<std::string, std::string> model_files;
  const judge::JudgeSpec spec = first_on_main(group, [&] { return answering_spec(config, dir, model_files, group.is_main()); });
  const std::string data = first_on_main(group, [&] { return training_records(config, config.data, "data"); });
  const auto [train, validation] = first_on_main(group, [&] {
    return std::pair(make_source(config, data, spec, true), config.eval_steps > 0 ? make_source(config, data, spec, false) : nullptr);
  });
  ChecklistTrainer trainer({.config = config,
                            .spec = &spec,
                            .model = load_starting_model(config, dir),
                            .model_files = model_files,
                            .inputs = data_identity(data),
                            .train = train.get(),
                            .validation = validation.get(),
                            .group = &group});
  const std::int64_t from_step = trainer.resume();
  ChecklistConfig copy = config;
  FieldList fields;
  copy.fields(fields);
  Json run;
  if (group.is_main()) run = write_run_record(config, "train checklist", fields, from_step);
  ChecklistOutcome outcome;
  outcome.is_main = group.is_main();
  with_memory_advice(config, [&] { outcome.result = trainer.run(); });
  if (outcome.result.interrupted || !group.is_main()) return outcome;
  model_files["README.md"] = model_card(config, spec, run, outcome.result, trainer.model().params.numel());
  outcome.final_dir = export_model(config, "final", trainer.model(), model_files, export_dtype(config, spec));
  return outcome;
}

}  // namespace

ChecklistOutcome train_checklist(const ChecklistConfig& config) {
  validate(config);
  return in_ranks(config, checklist_in_group);
}

}  // namespace beholder::train
