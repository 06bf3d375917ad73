// One item of the embedded benchmark: a prompt, the scenes of its pictures or videos, and what the voters said. A pure
// function of (configuration, split, index): nothing is stored, any item can be made again anywhere, in any order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "media/image.h"
#include "world/sample.h"
#include "world/scene.h"
#include "world/voters.h"

namespace beholder::world {

enum class Split { kTrain, kValidation, kTest, kOodCombination, kOodGenerator, kOodVoters };
inline constexpr int kSplits = 6;
std::string_view name_of(Split split);     // "train", "validation", "test", "ood-combination", "ood-generator", "ood-voters"
Split split_named(std::string_view name);  // kUsage with the legal names
const Taste& taste_of(Split split);        // the hidden truth about its voters

struct WorldConfig {
  std::int64_t seed = 1;
  std::int64_t media = 2;  // pictures or videos per item, 2..256
  bool video = false;

  void fields(FieldList& f);
};

struct Item {
  std::string id;  // "test-12"; "test-single-12" for one medium
  Split split = Split::kTrain;
  std::uint64_t index = 0;
  Prompt prompt;
  std::vector<Scene> scenes;       // K, all for the same prompt
  std::vector<DefectSet> defects;  // K
  std::vector<double> penalties;   // K; the voters' true opinion
  Votes votes;                     // K > 1

  bool is_video() const { return !scenes.empty() && scenes.front().is_video(); }
  // K = 2 only: the true chance that a voter prefers medium 1, and the share of votes it got.
  double p_true() const;
  double share() const;
};

// Two scenes of an item seldom have the same defects. K media may come from different generators.
Item make_item(const WorldConfig& config, Split split, std::uint64_t index);
// One medium, no votes: for learning to see. `odds`: of its faults.
Item make_single(const WorldConfig& config, Split split, std::uint64_t index, Odds odds = Odds::kGenerator);

// One picture per medium; a video gives its middle frame.
std::vector<media::Image> render_item(const Item& item);
// All frames of every medium.
std::vector<std::vector<media::Image>> render_item_frames(const Item& item);

}  // namespace beholder::world
