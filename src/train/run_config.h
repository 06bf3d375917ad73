// What every training run is asked, whatever it trains on: where it starts, how it optimises, where and how often it writes.
// Names and meanings are TRL's and transformers' wherever they have one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/json.h"

namespace beholder::train {

inline constexpr double kMany = 1e12;  // the upper end of a range that has none

struct RunConfig {
  std::string model;  // where training starts
  std::string output_dir;
  std::string resume_from_checkpoint = "auto";
  double learning_rate = 1e-3;
  std::int64_t per_device_train_batch_size = 8, gradient_accumulation_steps = 1;
  std::int64_t max_steps = 3000, warmup_steps = 0;
  std::string lr_scheduler_type = "cosine";
  std::vector<double> lr_cycle_steps;  // empty: one cycle of max_steps
  double weight_decay = 0.0, adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8, max_grad_norm = 1.0;
  std::int64_t logging_steps = 10, save_steps = 500, save_total_limit = 2, eval_steps = 0;
  std::int64_t seed = 42;
  bool bf16 = false;
  bool use_peft = false, freeze_vision_tower = false, gradient_checkpointing = false;
  std::int64_t lora_r = 16, lora_alpha = 32;
  std::vector<std::string> lora_target_modules = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  std::string save_dtype = "auto", device = "cpu";
  double ddp_timeout = 1800;

  void trained_fields(FieldList& f);
  void optimisation_fields(FieldList& f, std::string_view batch_unit);
  void run_fields(FieldList& f);
  std::int64_t batch_size() const { return per_device_train_batch_size * gradient_accumulation_steps; }
};

// kUsage that names the field and the way out, unless `condition` holds.
void require_field(bool condition, const char* field, const std::string& what, const std::string& fix);
// Checks what a field list cannot.
void validate_run(const RunConfig& config);

// The part of a resolved configuration that decides the numbers: a run may only be resumed when it is unchanged. Left out:
// where and how often things are written, the device, what is only computed twice, and the settings of what is switched off.
Json numeric_part(const FieldList& fields);

// Names of the fields ("a.b") in which two resolved configurations differ.
std::vector<std::string> config_differences(const Json& a, const Json& b);

}  // namespace beholder::train
