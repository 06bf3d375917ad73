// The recipe of `beholder align`: a generator, the checklist that rewards it, the arms it is trained with, and who judges what came of
// it. docs/methods/mpo.md shows one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace beholder::eval {

// Prompts of a file (as `generate --prompts` reads it), or of a split of the embedded world.
struct PromptSource {
  std::string file, split;  // one of the two
  std::int64_t count = 0;   // so many different ones; 0: all of the file
};

// Who answers the checklist's questions.
struct AnswerSource {
  std::string name;
  std::string by;     // "ask": a model (`checklist ask`); "inspect": the truth of the embedded world, read off the pixels (`world inspect`)
  std::string model;  // of "ask"; empty: the shipped one
};

// What the rest of the program knows about an arm's training.
struct Training {
  std::int64_t updates = 0, pairs = 0;  // pairs in an update
};

// One way to make and use pairs. The generator as it is, "base", is not among the arms.
struct AlignArm {
  std::string name, note = {}, folder = {};
  std::string level = {};  // of `mpo pairs`
  double threshold = 0;
  std::string settings = {};  // train mpo's, TOML
  Training training = {};
};

struct AlignRecipe {
  std::string path, output_dir, title;
  std::string model;   // the generator's folder; empty: the shipped one
  std::string device;  // of every command that takes one; empty: each one's own
  std::vector<std::int64_t> seeds;
  std::int64_t world_seed = 1;
  PromptSource candidates, evaluation;
  std::int64_t candidates_num = 0, evaluation_num = 0;  // samples of a prompt
  std::int64_t steps = 0;                               // of the sampler
  double guidance = 0;
  std::string sampler;
  std::string questions, masks, weights, coding;  // as `checklist score` takes them
  AnswerSource reward;
  std::vector<AnswerSource> judges;
  std::vector<AlignArm> arms;
};

// `check_training` looks at an arm's settings before anything is run; its errors name `where`. kUsage, with the place and the way out,
// for a recipe that cannot be run.
using CheckTraining = std::function<Training(const std::string& settings, const std::string& where)>;
AlignRecipe read_align_recipe(const std::string& path, const CheckTraining& check_training);

}  // namespace beholder::eval
