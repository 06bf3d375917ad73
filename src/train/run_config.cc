#include "train/run_config.h"

#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "train/optim.h"

namespace beholder::train {
namespace {

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

void RunConfig::trained_fields(FieldList& f) {
  f.group("what is trained");
  f.add("use_peft", use_peft, "train a LoRA adapter and leave the weights as they are; final/ holds the adapter as PEFT writes it");
  f.add_range("lora_r", lora_r, 1, 1 << 16, "rank of the adapter");
  f.add_range("lora_alpha", lora_alpha, 1, 1 << 20, "the adapter's branch is scaled by lora_alpha / lora_r");
  f.add("lora_target_modules", lora_target_modules, "ends of the names of the decoder's linear maps that are adapted");
  f.add("freeze_vision_tower", freeze_vision_tower, "leave the vision tower as it is (an adapter always does)");
  f.add("gradient_checkpointing", gradient_checkpointing, "compute every layer a second time in the backward pass: less memory, slower");
}

void RunConfig::optimisation_fields(FieldList& f, std::string_view batch_unit) {
  f.group("optimisation");
  f.add_range("learning_rate", learning_rate, 0, 1e3, "peak learning rate");
  f.add_range("per_device_train_batch_size", per_device_train_batch_size, 1, 1 << 20, format("{} in one forward pass", batch_unit));
  f.add_range("gradient_accumulation_steps", gradient_accumulation_steps, 1, 1 << 20, "forward passes per update");
  f.add_range("max_steps", max_steps, 1, kMany, "updates");
  f.add_range("warmup_steps", warmup_steps, 0, kMany, "updates over which the rate rises from 0");
  f.add_choice("lr_scheduler_type", lr_scheduler_type, {"linear", "cosine", "constant", "constant_with_warmup"},
               "shape of the learning rate");
  f.add("lr_cycle_steps", lr_cycle_steps, "updates after which the schedule, warm-up included, begins anew; they add up to max_steps");
  f.add_range("weight_decay", weight_decay, 0, 1e3, "decoupled decay of matrices (not of norms and biases)");
  f.add_range("adam_beta1", adam_beta1, 0, 0.999999, "decay of the first moment");
  f.add_range("adam_beta2", adam_beta2, 0, 0.9999999, "decay of the second moment");
  f.add_range("adam_epsilon", adam_epsilon, 0, 1, "added to the second moment's root");
  f.add_range("max_grad_norm", max_grad_norm, 0, kMany, "global gradient norm is clipped to this; 0: never");
  f.add("seed", seed, "seed of weights, batches and order");
  f.add("bf16", bf16, "compute in bfloat16; the weights stay float32");
  f.add("device", device, "cpu, cuda or cuda:N");
}

void RunConfig::run_fields(FieldList& f) {
  f.group("run");
  f.add("output_dir", output_dir, "the run's folder: checkpoints, logs and the final model");
  f.add("resume_from_checkpoint", resume_from_checkpoint, "auto: the newest whole one; none; or a step-<N> folder");
  f.add_range("logging_steps", logging_steps, 1, kMany, "updates between two lines of metrics");
  f.add_range("save_steps", save_steps, 1, kMany, "updates between two checkpoints");
  f.add_range("save_total_limit", save_total_limit, 0, kMany, "newest checkpoints to keep; 0: all");
  f.add_range("eval_steps", eval_steps, 0, kMany, "updates between two evaluations; 0: none");
  f.add_range("ddp_timeout", ddp_timeout, 1, 1e7, "with several processes: seconds after which one that does not come ends all");
  f.add_choice("save_dtype", save_dtype, {"auto", "fp32", "bf16", "fp16"}, "of the final model; auto: as the model it started from");
}

void require_field(bool condition, const char* field, const std::string& what, const std::string& fix) {
  if (!condition) throw Error(Code::kUsage, field, what, fix);
}

void validate_run(const RunConfig& c) {
  const Schedule schedule = parse_schedule(c.lr_scheduler_type);
  require_field(schedule != Schedule::kConstant || c.warmup_steps == 0, "warmup_steps", "the constant schedule has no warm-up",
                "use lr_scheduler_type = constant_with_warmup, or warmup_steps = 0");
  require_field(c.warmup_steps <= c.max_steps, "warmup_steps", format("{} is more than max_steps {}", c.warmup_steps, c.max_steps),
                "lower it");
  double cycles = 0;
  for (const double steps : c.lr_cycle_steps) {
    cycles += steps;
    require_field(steps == std::floor(steps) && steps > static_cast<double>(c.warmup_steps), "lr_cycle_steps",
                  format("{} is not a whole number above warmup_steps", steps), "give each cycle its updates");
  }
  require_field(c.lr_cycle_steps.empty() || cycles == static_cast<double>(c.max_steps), "lr_cycle_steps",
                format("the cycles add up to {}, not to max_steps {}", cycles, c.max_steps), "make them equal");
  require_field(!c.output_dir.empty(), "output_dir", "is empty", "name a folder for the run");
}

Json numeric_part(const FieldList& fields) {
  Json json = fields_to_json(fields);
  for (const char* key : {"output_dir", "resume_from_checkpoint", "logging_steps", "save_steps", "save_total_limit", "save_dtype",
                          "eval_steps", "eval_examples", "device", "gradient_checkpointing", "ddp_timeout"})
    json.erase(key);
  if (json.contains("lr_cycle_steps") && json["lr_cycle_steps"].empty()) json.erase("lr_cycle_steps");
  const auto off = [&](const char* key) { return json.contains(key) && json[key] == false; };
  if (off("use_peft"))
    for (const char* key : {"use_peft", "lora_r", "lora_alpha", "lora_target_modules"}) json.erase(key);
  if (off("freeze_vision_tower")) json.erase("freeze_vision_tower");
  return json;
}

std::vector<std::string> config_differences(const Json& a, const Json& b) {
  std::vector<std::string> out;
  differences(a, b, "", out);
  return out;
}

}  // namespace beholder::train
