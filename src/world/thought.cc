#include "world/thought.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/format.h"

namespace beholder::world {
namespace {

// The word for what is there; where something else was asked for, also what it is not: "green, not red,".
std::string seen(std::string_view there, std::string_view asked) {
  return there == asked ? std::string(there) : format("{}, not {},", there, asked);
}

std::string seen(const Thing& there, const Thing& asked) {
  return format("a {} {}", seen(name_of(there.colour), name_of(asked.colour)), name_of(there.shape));
}

std::string what_it_shows(const Prompt& prompt, const Scene& scene) {
  if (prompt.kind == PromptKind::kCount) {
    const Thing there = scene.objects.front().thing;
    const int n = static_cast<int>(scene.objects.size());
    return format("{} {} {}", seen(number_name(n), number_name(prompt.count)), seen(name_of(there.colour), name_of(prompt.first.colour)),
                  noun(there.shape, n));
  }
  const Object* a = find_object(scene, prompt.first.shape);
  const Object* b = find_object(scene, prompt.second.shape);
  if (!a) return format("{} and no {}", seen(b->thing, prompt.second), phrase(prompt.first).substr(2));
  if (!b) return format("{} and no {}", seen(a->thing, prompt.first), phrase(prompt.second).substr(2));
  const bool related = prompt.kind == PromptKind::kRelation;
  const std::string link = related ? seen(name_of(relation_between(*a, *b)), name_of(prompt.relation)) : "and";
  return format("{} {} {}", seen(a->thing, prompt.first), link, seen(b->thing, prompt.second));
}

// What one would have asked for to get just this; for scenes that show something of everything that was asked.
Prompt prompt_for(const Prompt& asked, const Scene& scene) {
  Prompt prompt = asked;
  prompt.count = static_cast<int>(scene.objects.size());
  const Object* a = find_object(scene, asked.first.shape);
  const Object* b = asked.kind == PromptKind::kCount ? a : find_object(scene, asked.second.shape);
  prompt.first = a->thing;
  prompt.second = b->thing;
  if (a != b) prompt.relation = relation_between(*a, *b);
  return prompt;
}

std::string how_it_is(DefectSet defects, bool video) {
  const auto word = [&](Defect defect, const char* good, const char* bad) { return defects.has(defect) ? bad : good; };
  const char* sharp = word(Defect::kBlur, "sharp", "blurred");
  const char* clean = word(Defect::kNoise, "clean", "noisy");
  const char* whole = word(Defect::kWarp, "whole", "warped");
  if (!video) return format("It is {}, {} and {}.", sharp, clean, whole);
  return format("It is {}, {}, {} and {}.", sharp, clean, whole, word(Defect::kFlicker, "steady", "flickering"));
}

std::string list_faults(DefectSet defects) {
  std::string list;
  for (int d = 0; d < kDefects; ++d)
    if (defects.has(static_cast<Defect>(d))) list += format("{}{}", list.empty() ? "" : ", ", name_of(static_cast<Defect>(d)));
  return format("Faults: {}.", list.empty() ? "none" : list);
}

}  // namespace

std::string caption(const Item& item) {
  require_internal(item.scenes.size() == 1, "a caption is about one medium");
  const Scene& scene = item.scenes.front();
  const bool whole = item.prompt.kind == PromptKind::kCount || scene.objects.size() == 2;
  return format("{} 1 shows {}. {}", item.is_video() ? "Video" : "Image",
                whole ? what_it_shows(prompt_for(item.prompt, scene), scene) : phrase(scene.objects.front().thing),
                how_it_is(item.defects[0], item.is_video()));
}

std::string reference_thought(const Item& item) {
  std::string text;
  for (std::size_t k = 0; k < item.scenes.size(); ++k)
    text += format("{}{} {} shows {}. {} {}", k ? "\n" : "", item.is_video() ? "Video" : "Image", k + 1,
                   what_it_shows(item.prompt, item.scenes[k]), how_it_is(item.defects[k], item.is_video()), list_faults(item.defects[k]));
  return text;
}

int naive_choice(const Item& item, std::uint64_t seed) {
  int fewest = kDefects + 1;
  for (const DefectSet defects : item.defects) fewest = std::min(fewest, defects.size());
  std::vector<int> best;
  for (std::size_t k = 0; k < item.defects.size(); ++k)
    if (item.defects[k].size() == fewest) best.push_back(static_cast<int>(k));
  Rng rng(seed, stable_hash("naive tie"), stable_hash(item.id));
  return best[rng.below(best.size())];
}

std::string naive_answer(const Item& item, std::uint64_t seed) {
  return std::to_string(naive_choice(item, seed) + 1);
}

std::vector<int> naive_scores(const Item& item) {
  std::vector<int> scores;
  for (const DefectSet defects : item.defects) scores.push_back(std::max(1, 9 - 2 * defects.size()));
  return scores;
}

std::vector<std::string> corpus(std::uint64_t seed, std::size_t n, const std::vector<std::string>& more) {
  std::vector<std::string> texts;
  texts.reserve(n);
  WorldConfig config;
  config.seed = static_cast<std::int64_t>(seed);
  for (std::size_t i = 0; texts.size() < n; ++i) {
    if (!more.empty()) texts.push_back(more[i % more.size()]);
    config.video = i % 4 == 3;
    const Split split = i % 8 == 5 ? Split::kOodCombination : Split::kTrain;  // so that held-out combinations have whole words too
    const Item item = i % 3 == 0 ? make_single(config, split, i) : make_item(config, split, i);
    texts.push_back(item.prompt.text());
    texts.push_back(reference_thought(item));
  }
  texts.resize(n);
  return texts;
}

}  // namespace beholder::world
