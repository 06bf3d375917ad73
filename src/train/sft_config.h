// What `train sft` is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/run_config.h"

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

// Training data made by the embedded world. Stages follow each other; a stage's mix is "caption" (a picture and what it
// shows, no question), "single" (one picture: describe it and give it a score), "pair" (mostly two pictures: describe both, name
// the better one by the naive rule) or "vote" (two pictures: describe both, name the one that the voters' majority preferred).
struct WorldDataConfig {
  std::int64_t seed = 1;
  std::vector<std::string> stage_mix = {"caption", "single", "pair"};
  std::vector<double> stage_steps = {1500, 500, 1000};  // the last stage goes on to max_steps
  double video_share = 0.0;                             // of all examples: videos in place of pictures
  double pair_single_share = 0.35;                      // within "pair": one picture, as in "single"
  double pair_score_share = 0.15;                       // within "pair": two pictures, a score for each
  double pair_triple_share = 0.1;                       // within "pair": three pictures, name the best

  void fields(FieldList& f);
};

struct SftConfig : RunConfig {
  std::string data;             // JSONL records with "completion"; empty: the embedded world
  std::string eval_data;        // the same, held out; with the world: its validation split
  std::string answer = "soft";  // which question records ask
  std::int64_t max_length = 0;  // tokens of one example; 0: what the model's positions allow
  std::int64_t eval_examples = 64;
  InitConfig init;  // used when `model` is empty
  WorldDataConfig world;

  SftConfig() { output_dir = "runs/sft"; }
  void fields(FieldList& f);
};

// Checks what a field list cannot: kUsage that names the field and the way out.
void validate(const SftConfig& config);

Json numeric_config(SftConfig config);

}  // namespace beholder::train
