#include "train/sft_config.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "train/optim.h"

namespace beholder::train {
namespace {

constexpr double kMany = 1e12;

void require(bool condition, const char* field, const std::string& what, const std::string& fix) {
  if (!condition) throw Error(Code::kUsage, field, what, fix);
}

bool whole(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v >= 0 && v == std::floor(v); });
}

void check_init(const InitConfig& c) {
  const std::string heads = "choose head counts that divide the widths";
  require(c.hidden_size % c.num_attention_heads == 0 && (c.hidden_size / c.num_attention_heads) % 16 == 0, "init.hidden_size",
          format("{} does not give {} heads of a multiple of 16", c.hidden_size, c.num_attention_heads), heads);
  require(c.num_attention_heads % c.num_key_value_heads == 0, "init.num_key_value_heads", "does not divide num_attention_heads", heads);
  require(c.vision_hidden_size % c.vision_num_heads == 0 && (c.vision_hidden_size / c.vision_num_heads) % 4 == 0, "init.vision_hidden_size",
          format("{} does not give {} heads of a multiple of 4", c.vision_hidden_size, c.vision_num_heads), heads);
  require(c.window_size >= 2 * c.patch_size, "init.window_size", "is smaller than one merged patch", "at least twice patch_size");
  require(whole(c.fullatt_block_indexes) && std::all_of(c.fullatt_block_indexes.begin(), c.fullatt_block_indexes.end(),
                                                        [&](double i) { return i < static_cast<double>(c.vision_depth); }),
          "init.fullatt_block_indexes", "names a block the tower does not have", "use 0 to vision_depth - 1");
  require(c.min_pixels <= c.max_pixels, "init.min_pixels", "is larger than max_pixels", "swap them");
}

void check_world(const WorldDataConfig& c) {
  require(!c.stage_mix.empty() && c.stage_mix.size() == c.stage_steps.size(), "world.stage_steps",
          format("{} numbers for {} stages", c.stage_steps.size(), c.stage_mix.size()), "give one number of steps per entry of stage_mix");
  require(whole(c.stage_steps), "world.stage_steps", "holds something that is not a number of steps", "use whole numbers");
  for (const std::string& mix : c.stage_mix)
    require(mix == "single" || mix == "pair", "world.stage_mix", format("\"{}\" is not a mix", mix), "choose single or pair");
  require(c.pair_single_share + c.pair_score_share + c.pair_triple_share <= 1, "world.pair_single_share",
          "the three pair_* shares exceed 1", "the rest of a pair stage is plain pairs");
}

void differences(const Json& a, const Json& b, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [key, value] : a.items()) {
    const auto other = b.find(key);
    if (other != b.end() && value.is_object() && other->is_object()) {
      differences(value, *other, prefix + key + ".", out);
    } else if (other == b.end() || *other != value) {
      out.push_back(prefix + key);
    }
  }
  for (const auto& [key, value] : b.items())
    if (!a.contains(key)) out.push_back(prefix + key);
}

}  // namespace

void InitConfig::fields(FieldList& f) {
  f.group("fresh model");
  f.table("init");
  f.add_range("hidden_size", hidden_size, 16, 1 << 16, "width of the decoder");
  f.add_range("intermediate_size", intermediate_size, 1, 1 << 18, "width inside the decoder's feed-forward part");
  f.add_range("num_hidden_layers", num_hidden_layers, 1, 1024, "decoder layers");
  f.add_range("num_attention_heads", num_attention_heads, 1, 1024, "query heads");
  f.add_range("num_key_value_heads", num_key_value_heads, 1, 1024, "key and value heads");
  f.add_range("vision_depth", vision_depth, 1, 1024, "blocks of the vision tower");
  f.add_range("vision_hidden_size", vision_hidden_size, 4, 1 << 16, "width of the vision tower");
  f.add_range("vision_intermediate_size", vision_intermediate_size, 1, 1 << 18, "width inside its feed-forward part");
  f.add_range("vision_num_heads", vision_num_heads, 1, 1024, "heads of the vision tower");
  f.add_range("patch_size", patch_size, 1, 256, "side of a patch, px; a token covers two by two patches");
  f.add_range("rope_theta", rope_theta, 2, 1e9,
              "base of the decoder's rotary frequencies; small pictures want a small one, to tell neighbours apart");
  f.add_range("window_size", window_size, 2, 1 << 14, "side of an attention window, px");
  f.add("fullatt_block_indexes", fullatt_block_indexes, "blocks of the tower that see the whole picture");
  f.add_range("vocab_size", vocab_size, 320, 1 << 20, "largest vocabulary, control tokens included");
  f.add_range("min_pixels", min_pixels, 1, 1 << 26, "pictures are resized to at least this many pixels");
  f.add_range("max_pixels", max_pixels, 1, 1 << 26, "and at most this many");
  f.end_table();
}

void WorldDataConfig::fields(FieldList& f) {
  f.group("embedded world");
  f.table("world");
  f.add("seed", seed, "seed of the world");
  f.add("stage_mix", stage_mix, "what each stage trains on: single (one picture), pair (two)");
  f.add("stage_steps", stage_steps, "updates per stage; the last goes on to max_steps");
  f.add_range("video_share", video_share, 0, 1, "share of examples with videos instead of pictures");
  f.add_range("pair_single_share", pair_single_share, 0, 1, "share of single pictures in a pair stage");
  f.add_range("pair_score_share", pair_score_share, 0, 1, "share of pairs that ask for scores");
  f.add_range("pair_triple_share", pair_triple_share, 0, 1, "share of three pictures in a pair stage");
  f.end_table();
}

void SftConfig::fields(FieldList& f) {
  f.group("model and data");
  f.add("model", model, "checkpoint folder or org/name to start from; empty: a fresh model from [init]");
  f.add("data", data, "JSONL records with \"completion\"; empty: the embedded world");
  f.add("eval_data", eval_data, "held-out JSONL records; with the embedded world its validation split is used");
  f.add_choice("answer", answer, {"soft", "select", "score"}, "the question that records answer");
  f.add_range("max_length", max_length, 0, kMany, "longest example, tokens; longer ones are counted and left out; 0: the model's limit");
  f.group("optimisation");
  f.add_range("learning_rate", learning_rate, 0, 1e3, "peak learning rate");
  f.add_range("per_device_train_batch_size", per_device_train_batch_size, 1, 1 << 20, "examples in one forward pass");
  f.add_range("gradient_accumulation_steps", gradient_accumulation_steps, 1, 1 << 20, "forward passes per update");
  f.add_range("max_steps", max_steps, 1, kMany, "updates");
  f.add_range("warmup_steps", warmup_steps, 0, kMany, "updates over which the rate rises from 0");
  f.add_choice("lr_scheduler_type", lr_scheduler_type, {"linear", "cosine", "constant", "constant_with_warmup"},
               "shape of the learning rate");
  f.add_range("weight_decay", weight_decay, 0, 1e3, "decoupled decay of matrices (not of norms and biases)");
  f.add_range("adam_beta1", adam_beta1, 0, 0.999999, "decay of the first moment");
  f.add_range("adam_beta2", adam_beta2, 0, 0.9999999, "decay of the second moment");
  f.add_range("adam_epsilon", adam_epsilon, 0, 1, "added to the second moment's root");
  f.add_range("max_grad_norm", max_grad_norm, 0, kMany, "global gradient norm is clipped to this; 0: never");
  f.add("seed", seed, "seed of weights, batches and order");
  f.add("bf16", bf16, "compute in bfloat16; the weights stay float32");
  f.add("device", device, "cpu, cuda or cuda:N");
  f.group("run");
  f.add("output_dir", output_dir, "the run's folder: checkpoints, logs and the final model");
  f.add("resume_from_checkpoint", resume_from_checkpoint, "auto: the newest whole one; none; or a step-<N> folder");
  f.add_range("logging_steps", logging_steps, 1, kMany, "updates between two lines of metrics");
  f.add_range("save_steps", save_steps, 1, kMany, "updates between two checkpoints");
  f.add_range("save_total_limit", save_total_limit, 0, kMany, "newest checkpoints to keep; 0: all");
  f.add_range("eval_steps", eval_steps, 0, kMany, "updates between two evaluations; 0: none");
  f.add_range("eval_examples", eval_examples, 1, 1 << 20, "examples of the fixed validation batch");
  f.add_choice("save_dtype", save_dtype, {"auto", "fp32", "bf16", "fp16"}, "of the final model; auto: as the model it started from");
  world.fields(f);
  init.fields(f);
}

void validate(const SftConfig& c) {
  const Schedule schedule = parse_schedule(c.lr_scheduler_type);
  require(schedule != Schedule::kConstant || c.warmup_steps == 0, "warmup_steps", "the constant schedule has no warm-up",
          "use lr_scheduler_type = constant_with_warmup, or warmup_steps = 0");
  require(c.warmup_steps <= c.max_steps, "warmup_steps", format("{} is more than max_steps {}", c.warmup_steps, c.max_steps), "lower it");
  require(!c.output_dir.empty(), "output_dir", "is empty", "name a folder for the run");
  require(!c.data.empty() || c.eval_data.empty(), "eval_data", "is set while data is the embedded world",
          "set data too, or leave both empty");
  require(c.data.empty() || c.eval_steps == 0 || !c.eval_data.empty(), "eval_steps", "is set without eval_data",
          "name a held-out file, or set eval_steps = 0");
  require(c.data.empty() || !c.model.empty(), "model", "is empty while data is your own records",
          "name a checkpoint to start from; a fresh model's tokenizer only knows the embedded world's words");
  if (c.model.empty()) check_init(c.init);
  if (c.data.empty()) check_world(c.world);
}

Json numeric_config(SftConfig config) {
  FieldList list;
  config.fields(list);
  Json json = fields_to_json(list);
  for (const char* key : {"output_dir", "resume_from_checkpoint", "logging_steps", "save_steps", "save_total_limit", "save_dtype",
                          "eval_steps", "eval_examples", "device"})
    json.erase(key);
  return json;
}

std::vector<std::string> config_differences(const Json& a, const Json& b) {
  std::vector<std::string> out;
  differences(a, b, "", out);
  return out;
}

}  // namespace beholder::train
