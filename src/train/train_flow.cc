#include "train/train_flow.h"

#include <filesystem>
#include <memory>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/heap.h"
#include "core/rng.h"
#include "core/sha256.h"
#include "hf/bpe_train.h"
#include "train/flow_card.h"
#include "train/ranks.h"
#include "train/run_dir.h"
#include "train/run_setup.h"
#include "world/sample.h"

namespace beholder::train {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kVocabulary = 384;
constexpr std::uint64_t kCorpusPrompts = 4000;  // covers every word of the world many times

std::vector<std::string> world_prompts(std::uint64_t seed) {
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < kCorpusPrompts; ++i) {
    Rng rng(seed, stable_hash("prompt corpus"), i);
    texts.push_back(world::sample_prompt(rng, i % 2 == 0 ? world::Combinations::kSeen : world::Combinations::kHeldOut).text());
  }
  return texts;
}

void write_start(const std::string& dir, const GeneratorRunConfig& c) {
  const auto seed = static_cast<std::uint64_t>(c.seed);
  if (c.init_from.empty()) return write_fresh_generator(dir, c.init, seed);
  fs::create_directories(dir);
  write_file_atomic(dir + "/tokenizer.json", read_file(c.init_from + "/tokenizer.json"));
  gen::save_model(gen::inflate(gen::load_generator(c.init_from).model, c.init, seed), dir, at::kFloat);
}

// A fresh generator is written once per run, by rank 0, so that a resumed run starts from what it began with.
std::string starting_dir(const GeneratorRunConfig& c, dist::ProcessGroup& group) {
  if (!c.model.empty()) return c.model;
  const std::string base = c.output_dir + "/base";
  if (group.is_main() && (checkpoint_steps(c.output_dir).empty() || !fs::exists(base + "/config.json"))) write_start(base, c);
  group.any(false);  // the others read it afterwards
  return base;
}

std::map<std::string, std::string> files_of(const std::string& dir) {
  return {{"tokenizer.json", read_file(dir + "/tokenizer.json")}};
}

struct FlowSources {
  std::unique_ptr<FlowSource> train, validation;
  Json identity = Json::object();
};

FlowSources record_sources(const FlowConfig& c, bool pairs, const gen::GeneratorConfig& shape) {
  RecordFlowOptions options{.path = training_records(c, c.data, "data"),
                            .pairs = pairs,
                            .batch_size = c.batch_size(),
                            .seed = static_cast<std::uint64_t>(c.seed)};
  FlowSources out{.train = record_flow_source(options, shape), .validation = nullptr, .identity = data_identity(options.path)};
  if (c.eval_data.empty()) return out;
  options.path = training_records(c, c.eval_data, "eval_data");
  options.shuffle = false;
  out.validation = record_flow_source(options, shape);
  return out;
}

FlowSources world_sources(const GeneratorRunConfig& c, const gen::GeneratorConfig& shape) {
  WorldFlowOptions options{.seed = c.world_seed, .fault_share = c.fault_share, .split = world::Split::kTrain, .batch_size = c.batch_size()};
  FlowSources out{.train = world_flow_source(options, shape), .validation = nullptr};
  options.split = world::Split::kValidation;
  out.validation = world_flow_source(options, shape);
  return out;
}

// `dir`: the folder training starts from.
template <class Config>
FlowOutcome run_task(const Config& config, std::string_view command, const std::string& dir, FlowTask task) {
  task.model_files = files_of(dir);
  const bool is_main = task.group->is_main();
  FlowTrainer trainer(std::move(task));
  const std::int64_t from_step = trainer.resume();
  Config copy = config;
  FieldList fields;
  copy.fields(fields);
  Json run;
  if (is_main) run = write_run_record(config, command, fields, from_step);
  FlowOutcome outcome{.is_main = is_main, .result = trainer.run(), .final_dir = {}};
  if (outcome.result.interrupted || !is_main) return outcome;
  std::map<std::string, std::string> files = files_of(dir);
  files["README.md"] = flow_card(
      {.command = std::string(command), .config = config, .recipe = numeric_config(config), .run = run, .model = trainer.result()});
  const at::ScalarType dtype = vlm::parse_dtype(config.save_dtype == "auto" ? "fp32" : config.save_dtype);
  outcome.final_dir = export_folder(config, "final", files, [&](const std::string& to) { gen::save_model(trainer.result(), to, dtype); });
  log_info(format("trained {} updates; the generator is in {}", outcome.result.step, outcome.final_dir));
  return outcome;
}

Json identity_of(Json config, const Json& inputs) {
  config["inputs"] = inputs;
  return config;
}

}  // namespace

void write_fresh_generator(const std::string& dir, gen::GeneratorConfig config, std::uint64_t seed) {
  fs::create_directories(dir);
  const TempDir tokenizer;
  const std::vector<std::string> special{gen::kEndToken, "<|im_end|>"};
  const std::int64_t largest = config.text.vocab_size > 0 ? config.text.vocab_size : kVocabulary;
  const hf::Vocabulary vocabulary = hf::train_bpe(world_prompts(seed), largest - std::ssize(special));
  hf::write_tokenizer(tokenizer.path(), vocabulary, {.special = special, .plain = {}, .model_max_length = config.text.max_length});
  config.text.end_token_id = std::ssize(vocabulary.tokens);
  config.text.vocab_size = config.text.end_token_id + std::ssize(special);
  write_file_atomic(dir + "/tokenizer.json", read_file(tokenizer / "tokenizer.json"));
  gen::save_model(gen::init_model(config, seed), dir, at::kFloat);
}

namespace {

FlowOutcome generator_in_group(const GeneratorRunConfig& config, dist::ProcessGroup& group) {
  const std::unique_ptr<RunLock> lock = lock_on_main(config, group);
  const std::string dir = starting_dir(config, group);
  gen::Generator generator = gen::load_generator(dir, vlm::parse_device(config.device));
  const gen::GeneratorConfig shape = generator.model.config;
  const FlowSources sources = first_on_main(
      group, [&] { return config.data.empty() ? world_sources(config, shape) : record_sources(config, /*pairs=*/false, shape); });
  const FlowMatching objective;
  return run_task(config, "train generator", dir,
                  {.config = config,
                   .prompt_dropout = config.prompt_dropout,
                   .identity = identity_of(numeric_config(config), sources.identity),
                   .generator = std::move(generator),
                   .model_files = {},
                   .objective = &objective,
                   .train = sources.train.get(),
                   .validation = sources.validation.get(),
                   .group = &group});
}

FlowOutcome mpo_in_group(const MpoConfig& config, dist::ProcessGroup& group) {
  const std::unique_ptr<RunLock> lock = lock_on_main(config, group);
  gen::Generator generator = gen::load_generator(config.model, vlm::parse_device(config.device));
  gen::Model reference = gen::frozen_copy(generator.model);
  reference.dtype = config.bf16 ? at::kBFloat16 : at::kFloat;
  FlowSources sources = first_on_main(group, [&] { return record_sources(config, /*pairs=*/true, reference.config); });
  sources.identity["reference_sha256"] = sha256_hex(MappedFile::open(config.model + "/model.safetensors")->bytes());
  const FlowDpo objective(reference, config.beta);
  return run_task(config, "train mpo", config.model,
                  {.config = config,
                   .identity = identity_of(numeric_config(config), sources.identity),
                   .generator = std::move(generator),
                   .model_files = {},
                   .objective = &objective,
                   .train = sources.train.get(),
                   .validation = sources.validation.get(),
                   .group = &group});
}

}  // namespace

FlowOutcome train_generator(const GeneratorRunConfig& config) {
  validate(config);
  widen_heap();
  return in_ranks(config, generator_in_group);
}

FlowOutcome train_mpo(const MpoConfig& config) {
  validate(config);
  widen_heap();
  return in_ranks(config, mpo_in_group);
}

}  // namespace beholder::train
