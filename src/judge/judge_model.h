// A checkpoint as a judge: tokenizer, geometry, preprocessing and weights, checked against each other when loaded, so that
// a folder that mixes two models fails at once and not in the middle of a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hf/config.h"
#include "hf/tokenizer.h"
#include "judge/answer.h"
#include "media/preprocess.h"
#include "vlm/model.h"

namespace beholder::judge {

// Everything but the weights.
struct JudgeSpec {
  hf::Tokenizer tokenizer;
  hf::ModelConfig config;
  media::PatchConfig patches;
  std::vector<std::int64_t> index_ids;   // token of "1".."9"
  std::vector<std::int64_t> stop_ids;    // generation_config's eos and <|im_end|>
  std::vector<std::int64_t> banned_ids;  // vision tokens, and rows of the embedding that no token has
};

// `dir` is a checkpoint folder, or an adapter's: then its base decides. kUnsupported when tokenizer, config and preprocessor do not belong
// together, or when a digit is not one token. Throws what the readers throw, too.
JudgeSpec load_judge_spec(const std::string& dir);

struct JudgeModel {
  std::string dir;  // resolved
  JudgeSpec spec;
  vlm::Model model;
};

// `model`: a folder, or org/name[@revision] in the offline hub cache.
JudgeModel load_judge_model(const std::string& model, const vlm::LoadOptions& options = {});

}  // namespace beholder::judge
