// What `train sft` is asked to do. Names and meanings are TRL's and transformers' wherever they have one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/json.h"

namespace beholder::train {

// Architecture of a fresh model, in config.json's terms; used when `model` is empty. Qwen2.5-VL's family.
struct InitConfig {
  std::int64_t hidden_size = 128, intermediate_size = 352;
  std::int64_t num_hidden_layers = 4, num_attention_heads = 4, num_key_value_heads = 2;
  std::int64_t vision_depth = 4, vision_hidden_size = 128, vision_intermediate_size = 352, vision_num_heads = 4;
  std::int64_t patch_size = 8, window_size = 64;       // px
  std::vector<double> fullatt_block_indexes = {1, 3};  // of the vision tower
  double rope_theta = 30.0;                            // of the decoder; published models: 1e6
  std::int64_t vocab_size = 1024;                      // at most; with the control tokens
  std::int64_t min_pixels = 56 * 56, max_pixels = 128 * 128;

  void fields(FieldList& f);
};

// Training data made by the embedded world. Stages follow each other; a stage's mix is "single" (one picture: describe it and
// give it a score) or "pair" (mostly two pictures: describe both, name the better one).
struct WorldDataConfig {
  std::int64_t seed = 1;
  std::vector<std::string> stage_mix = {"single", "pair"};
  std::vector<double> stage_steps = {2000, 1000};  // the last stage goes on to max_steps
  double video_share = 0.0;                        // of all examples: videos in place of pictures
  double pair_single_share = 0.1;                  // within "pair": one picture, as in "single"
  double pair_score_share = 0.15;                  // within "pair": two pictures, a score for each
  double pair_triple_share = 0.1;                  // within "pair": three pictures, name the best

  void fields(FieldList& f);
};

struct SftConfig {
  std::string model;  // empty: start fresh from [init]
  std::string output_dir = "runs/sft";
  std::string resume_from_checkpoint = "auto";
  std::string data;             // JSONL records with "completion"; empty: the embedded world
  std::string eval_data;        // the same, held out; with the world: its validation split
  std::string answer = "soft";  // which question records ask
  double learning_rate = 1e-3;
  std::int64_t per_device_train_batch_size = 8, gradient_accumulation_steps = 1;
  std::int64_t max_steps = 3000, warmup_steps = 0;
  std::string lr_scheduler_type = "cosine";
  double weight_decay = 0.0, adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8, max_grad_norm = 1.0;
  std::int64_t max_length = 0;  // tokens of one example; 0: what the model's positions allow
  std::int64_t logging_steps = 10, save_steps = 500, save_total_limit = 2, eval_steps = 0, eval_examples = 64;
  std::int64_t seed = 42;
  bool bf16 = false;
  std::string save_dtype = "auto", device = "cpu";
  InitConfig init;
  WorldDataConfig world;

  void fields(FieldList& f);
  std::int64_t batch_size() const { return per_device_train_batch_size * gradient_accumulation_steps; }
};

// Checks what a field list cannot: kUsage that names the field and the way out.
void validate(const SftConfig& config);

// The part of the resolved configuration that decides the numbers: a run may only be resumed when it is unchanged. Left out:
// where and how often things are written, and the device.
Json numeric_config(SftConfig config);

// Names of the fields ("a.b") in which two resolved configurations differ.
std::vector<std::string> config_differences(const Json& a, const Json& b);

}  // namespace beholder::train
