#include "train/preference.h"

#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/jsonl.h"
#include "train/epoch_order.h"
#include "train/world_media.h"

namespace beholder::train {
namespace {

class WorldPreferences : public PreferenceSource {
 public:
  WorldPreferences(const world::WorldConfig& config, world::Split split, std::int64_t first)
      : config_(config), split_(split), first_(first) {
    config_.media = 2;
  }

  PreferenceItem item(std::int64_t number) const override {
    PreferenceItem out;
    out.scenes = world::make_item(config_, split_, static_cast<std::uint64_t>(first_ + number));
    out.id = out.scenes->id;
    out.prompt = out.scenes->prompt.text();
    out.q = out.scenes->share();
    return out;
  }

 private:
  world::WorldConfig config_;
  world::Split split_;
  std::int64_t first_;
};

class RecordPreferences : public PreferenceSource {
 public:
  RecordPreferences(const std::string& path, std::uint64_t seed, bool shuffle)
      : seed_(seed), shuffle_(shuffle), order_("preference order", seed, shuffle) {
    Warnings bad;
    data::RecordReader reader(path);
    while (auto line = reader.next()) {
      const std::string where = format("{}:{}", path, line->number);
      if (!line->record) {
        bad.add(line->error);
        continue;
      }
      const std::vector<data::Record> pairs = data::expand_pairs(*line->record);
      if (pairs.empty()) bad.add(where + ": left out: no \"target\"");
      pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
    }
    if (pairs_.empty())
      throw Error(
          Code::kInvalidInput, path, format("no record can be learned from ({} lines left out)", bad.count()),
          R"(a line is {"id":…,"prompt":…,"media":["a.png","b.png"],"target":{"pair":0.8,"votes":5}} or …"target":{"ranking":[1,2,2]}})");
    bad.close();
    if (bad.count() > 0) log_warning(format("{}: {} lines left out, {} pairs used", path, bad.count(), pairs_.size()));
  }

  PreferenceItem item(std::int64_t number) const override {
    const auto count = static_cast<std::int64_t>(pairs_.size());
    const std::int64_t epoch = number / count;
    const data::Record& pair = pairs_[order_.place(count, epoch, number % count)];
    PreferenceItem out;
    out.record = shuffle_ ? data::shuffle_sides(pair, seed_, static_cast<std::uint64_t>(epoch)) : pair;
    out.id = pair.id;
    out.prompt = pair.prompt;
    out.q = out.record.target.q;
    return out;
  }

  std::int64_t epoch_items() const override { return static_cast<std::int64_t>(pairs_.size()); }

 private:
  std::vector<data::Record> pairs_;
  std::uint64_t seed_;
  bool shuffle_;
  EpochOrder order_;
};

}  // namespace

std::unique_ptr<PreferenceSource> world_preferences(const world::WorldConfig& config, world::Split split, std::int64_t first) {
  return std::make_unique<WorldPreferences>(config, split, first);
}

std::unique_ptr<PreferenceSource> record_preferences(const std::string& path, std::uint64_t seed, bool shuffle) {
  return std::make_unique<RecordPreferences>(path, seed, shuffle);
}

std::vector<judge::Medium> PreferenceMedia::load(const PreferenceItem& item) {
  if (item.scenes) return world_media(*item.scenes, patches_);
  std::vector<judge::Medium> out;
  for (const data::MediaRef& ref : item.record.media) out.push_back(store_.load(ref));
  return out;
}

void PreferenceMedia::expect(const PreferenceItem& item) {
  for (const data::MediaRef& ref : item.record.media) store_.expect(ref);
}

}  // namespace beholder::train
