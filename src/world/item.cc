#include "world/item.h"

#include <array>

#include "core/error.h"
#include "core/format.h"
#include "world/render.h"

namespace beholder::world {
namespace {

constexpr std::int64_t kMaxMedia = 256;

constexpr std::array<std::string_view, kSplits> kSplitNames = {"train",           "validation",    "test",
                                                               "ood-combination", "ood-generator", "ood-voters"};

Combinations combinations_of(Split split) {
  return split == Split::kOodCombination ? Combinations::kHeldOut : Combinations::kSeen;
}

Rng item_rng(const WorldConfig& config, Split split, std::uint64_t index, std::string_view use) {
  return Rng(static_cast<std::uint64_t>(config.seed), stable_hash(use), static_cast<std::uint64_t>(split), index);
}

void add_scene(Rng& rng, const WorldConfig& config, Odds odds, Item& item) {
  SceneOptions options{.combinations = combinations_of(item.split), .odds = odds, .video = config.video};
  if (item.split == Split::kOodGenerator)
    options.generator = GeneratorKind::kHatched;
  else
    options.generator = rng.chance(0.5) ? GeneratorKind::kFlat : GeneratorKind::kOutlined;
  item.scenes.push_back(sample_scene(rng, item.prompt, options));
  item.defects.push_back(defects_of(item.prompt, item.scenes.back()));
}

bool repeats_defects(const Item& item) {
  for (std::size_t k = 0; k + 1 < item.defects.size(); ++k)
    if (item.defects[k] == item.defects.back()) return true;
  return false;
}

Item start(Rng& rng, Split split, std::uint64_t index, std::string_view kind) {
  Item item;
  item.id = format("{}{}-{}", name_of(split), kind, index);
  item.split = split;
  item.index = index;
  item.prompt = sample_prompt(rng, combinations_of(split));
  return item;
}

}  // namespace

std::string_view name_of(Split split) {
  return kSplitNames.at(static_cast<std::size_t>(split));
}

Split split_named(std::string_view name) {
  for (int s = 0; s < kSplits; ++s)
    if (kSplitNames[static_cast<std::size_t>(s)] == name) return static_cast<Split>(s);
  throw Error(Code::kUsage, "split", format("there is no split \"{}\"", name), format("use one of {}", fmt::join(kSplitNames, ", ")));
}

const Taste& taste_of(Split split) {
  return split == Split::kOodVoters ? kOtherTaste : kUsualTaste;
}

void WorldConfig::fields(FieldList& f) {
  f.add("seed", seed, "seed of the world: other seeds give other items");
  f.add_range("media", media, 2, kMaxMedia, "pictures or videos per item");
  f.add("video", video, "videos of 8 frames instead of pictures");
}

double Item::p_true() const {
  require_internal(penalties.size() == 2, "p_true: an item of two media");
  return preference(penalties[0], penalties[1]);
}

double Item::share() const {
  require_internal(penalties.size() == 2 && votes.voters > 0, "share: an item of two media");
  return static_cast<double>(votes.first[0]) / votes.voters;
}

Item make_item(const WorldConfig& config, Split split, std::uint64_t index) {
  if (config.media < 2 || config.media > kMaxMedia)
    throw Error(Code::kUsage, "world.media", format("{} media per item", config.media), format("choose 2 to {}", kMaxMedia));
  Rng rng = item_rng(config, split, index, config.video ? "video item" : "image item");
  Item item = start(rng, split, index, "");
  while (item.scenes.size() < static_cast<std::size_t>(config.media)) {
    add_scene(rng, config, Odds::kGenerator, item);
    if (repeats_defects(item) && rng.chance(0.9)) {
      item.scenes.pop_back();
      item.defects.pop_back();
    }
  }
  for (const DefectSet defects : item.defects) item.penalties.push_back(penalty(taste_of(split), defects));
  const int voters = 3 + 2 * static_cast<int>(rng.below(3));
  item.votes = vote(rng, item.penalties, voters);
  return item;
}

Item make_single(const WorldConfig& config, Split split, std::uint64_t index, Odds odds) {
  Rng rng = item_rng(config, split, index, config.video ? "video single" : "image single");
  Item item = start(rng, split, index, "-single");
  add_scene(rng, config, odds, item);
  item.penalties = {penalty(taste_of(split), item.defects[0])};
  return item;
}

std::vector<media::Image> render_item(const Item& item) {
  std::vector<media::Image> images;
  for (const Scene& scene : item.scenes) images.push_back(render(scene, scene.frames / 2));
  return images;
}

std::vector<std::vector<media::Image>> render_item_frames(const Item& item) {
  std::vector<std::vector<media::Image>> videos;
  for (const Scene& scene : item.scenes) {
    std::vector<media::Image>& frames = videos.emplace_back();
    for (int t = 0; t < scene.frames; ++t) frames.push_back(render(scene, t));
  }
  return videos;
}

}  // namespace beholder::world
