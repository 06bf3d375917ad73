// Does a listener hear? What it answers must hang on the thought, not on the pictures that it sees as well; else its reward says
// nothing about the thought.
#include "train/listener.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "core/format.h"
#include "train/world_media.h"
#include "world/thought.h"

namespace beholder::train {
namespace {

// Thoughts about pairs of which one has fewer faults, so that the naive rule is decided.
struct Heard {
  int pairs = 0, own = 0, exchanged = 0, silent = 0;  // how often the medium with fewer faults is preferred
  double moved = 0;                                   // mean change of its probability by exchanging what is said of the two
};

// After a true thought; after one that says of each medium what is true of the other; after none.
Heard hear_pairs(const judge::JudgeModel& judge, int pairs) {
  Listener listener(judge.spec, judge.model, /*redact=*/false);
  Heard out;
  for (std::uint64_t i = 0; out.pairs < pairs; ++i) {
    const world::Item item = world::make_item({}, world::Split::kValidation, i);
    if (item.defects[0].size() == item.defects[1].size()) continue;
    world::Item exchanged = item;
    std::swap(exchanged.scenes[0], exchanged.scenes[1]);
    std::swap(exchanged.defects[0], exchanged.defects[1]);
    const std::vector<std::string> thoughts = {world::reference_thought(item), world::reference_thought(exchanged), ""};
    const std::string prompt = item.prompt.text();
    const std::vector<judge::Medium> media = world_media(item, judge.spec.patches);
    const std::vector<double> p = listener.hear({prompt, media, thoughts});
    const bool first = world::naive_choice(item, 0) == 0;
    ++out.pairs;
    out.own += (p[0] > 0.5) == first;
    out.exchanged += (p[1] > 0.5) == first;
    out.silent += (p[2] > 0.5) == first;
    out.moved += std::abs(p[0] - p[1]);
  }
  out.moved /= pairs;
  return out;
}

// BEHOLDER_LISTENER: another checkpoint to ask; BEHOLDER_LISTENER_PAIRS: over how many pairs.
TEST(ListenerInvariant, TheThoughtDecidesAndNotThePictures) {
  const char* model = std::getenv("BEHOLDER_LISTENER");
  const char* pairs = std::getenv("BEHOLDER_LISTENER_PAIRS");
  const judge::JudgeModel judge = judge::load_judge_model(model ? model : format("{}/models/embedded", BEHOLDER_SOURCE_DIR));
  const Heard heard = hear_pairs(judge, pairs ? std::atoi(pairs) : 48);
  const auto share = [&](int n) { return static_cast<double>(n) / heard.pairs; };
  fmt::print(
      "fewer faults preferred by {} pairs: {:.3f} after a true thought, {:.3f} after an exchanged one, {:.3f} after none; moved by "
      "{:.3f}\n",
      heard.pairs, share(heard.own), share(heard.exchanged), share(heard.silent), heard.moved);
  EXPECT_GT(share(heard.own), 0.7);
  EXPECT_LT(share(heard.exchanged), 0.3);
  EXPECT_GT(heard.moved, 0.4);
}

// What is heard hangs neither on what is heard beside it, nor on what was heard before.
TEST(ListenerInvariant, PairsHeardTogetherAreHeardAsAlone) {
  const judge::JudgeModel judge = judge::load_judge_model(format("{}/models/embedded", BEHOLDER_SOURCE_DIR));
  std::vector<std::string> prompts;
  std::vector<std::vector<judge::Medium>> media;
  std::vector<std::vector<std::string>> thoughts;
  for (std::uint64_t i = 0; i < 24; ++i) {  // more than one call takes
    const world::Item item = world::make_item({}, world::Split::kValidation, i);
    prompts.push_back(item.prompt.text());
    media.push_back(world_media(item, judge.spec.patches));
    const std::string thought = world::reference_thought(item);
    thoughts.push_back(i == 3 ? std::vector<std::string>{} : std::vector{thought, std::string(), thought, thought + " And so on."});
  }
  Listener together(judge.spec, judge.model, /*redact=*/false), alone(judge.spec, judge.model, /*redact=*/false);
  std::vector<Hearing> all;
  for (std::size_t i = 0; i < prompts.size(); ++i) all.push_back({prompts[i], media[i], thoughts[i]});
  const std::vector<std::vector<double>> heard = together.hear(all);
  EXPECT_EQ(together.hear(all), heard) << "kept";
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::vector<double> one = alone.hear(all[i]);
    ASSERT_EQ(one.size(), thoughts[i].size());
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_NEAR(heard[i][k], one[k], 1e-5) << i << " " << k;
    if (one.size() == 4) {
      EXPECT_EQ(heard[i][0], heard[i][2]);
    }
  }
}

}  // namespace
}  // namespace beholder::train
