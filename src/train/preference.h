// Preference data for reinforcement learning: items of a prompt, two media and what people said, from the embedded world or
// from records. An item is a pure function of (source, number), so a resumed run sees what the uninterrupted one would have.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/record.h"
#include "judge/judge.h"
#include "judge/medium_store.h"
#include "world/item.h"

namespace beholder::train {

struct PreferenceItem {
  std::string id, prompt;
  double q = 0.5;                     // share of people who prefer medium 1; 1 or 0 where only the winner is known
  std::optional<world::Item> scenes;  // of the embedded world
  data::Record record;                // otherwise: where the media are
};

class PreferenceSource {
 public:
  virtual ~PreferenceSource() = default;
  virtual PreferenceItem item(std::int64_t number) const = 0;
  virtual std::int64_t epoch_items() const { return 0; }  // 0: endless
};

// A split of the embedded world; item `number` is the split's item `first + number`.
std::unique_ptr<PreferenceSource> world_preferences(const world::WorldConfig& config, world::Split split, std::int64_t first);

// JSONL records with a target: pairs as they are, rankings as all their pairs. Every epoch in another order and with the sides
// shuffled anew (`shuffle`), or in file order. Lines that cannot be used are warned of and counted; kInvalidInput when none is left.
std::unique_ptr<PreferenceSource> record_preferences(const std::string& path, std::uint64_t seed, bool shuffle);

// An item's media, prepared for one model's geometry. Throws what the readers throw.
class PreferenceMedia {
 public:
  explicit PreferenceMedia(const media::PatchConfig& patches) : patches_(patches), store_(patches) {}
  std::vector<judge::Medium> load(const PreferenceItem& item);
  void expect(const PreferenceItem& item);  // it will be loaded soon: files are read meanwhile

 private:
  media::PatchConfig patches_;
  judge::MediumStore store_;
};

}  // namespace beholder::train
