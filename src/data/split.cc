#include "data/split.h"

#include <array>
#include <filesystem>
#include <unordered_map>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/rng.h"
#include "data/jsonl.h"
#include "data/keys.h"
#include "data/media_out.h"

namespace beholder::data {
namespace {

constexpr std::array<const char*, 3> kParts{"train", "validation", "test"};

// Union-find over hashes of prompts and media. A group's name is the smallest hash in it, so it does not depend on the order.
class Groups {
 public:
  std::uint64_t find(std::uint64_t key) {
    const auto [it, added] = parent_.emplace(key, key);
    if (it->second == key) return key;
    const std::uint64_t root = find_root(it->second);
    parent_[key] = root;
    return root;
  }
  void join(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t x = find(a), y = find(b);
    if (x != y) parent_[std::max(x, y)] = std::min(x, y);
  }

 private:
  std::uint64_t find_root(std::uint64_t key) const {
    while (parent_.at(key) != key) key = parent_.at(key);
    return key;
  }
  std::unordered_map<std::uint64_t, std::uint64_t> parent_;
};

class Splitter {
 public:
  Splitter(const SplitOptions& options, std::string records) : options_(options), records_(std::move(records)) {}

  Json run() {
    for_each([&](const Record& record) {
      const std::uint64_t prompt = mix_keys(prompt_key(record.prompt), 1);
      groups_.find(prompt);
      for (const MediaRef& ref : record.media) groups_.join(prompt, mix_keys(media_key(ref), 2));
    });
    for (int part = 0; part < 3; ++part) write(part);
    Json leak = check();
    Json report = {{"records", read_}, {"bad", bad_}, {"groups", sizes_.size()}, {"largest_group", largest()}, {"seed", options_.seed},
                   {"parts", parts_},  {"leak", leak}};
    write_file_atomic(options_.out + "/split.json", report.dump(1) + "\n");
    return report;
  }

 private:
  template <class Use>
  void for_each(const Use& use) {
    read_ = bad_ = 0;
    Progress progress("split", 0, "records");
    RecordReader reader(records_);
    while (const std::optional<Line> line = reader.next()) {
      check_interrupt("start it again");
      if (!line->record) {
        if (++bad_ == 1) log_warning(line->error);
        continue;
      }
      use(*line->record);
      progress.update(++read_);
    }
  }

  int part_of(std::uint64_t group) const {
    const double u = Rng(options_.seed, stable_hash("split"), group).uniform();
    return u < options_.test ? 2 : u < options_.test + options_.validation ? 1 : 0;
  }

  void write(int part) {
    const std::string path = format("{}/{}.jsonl", options_.out, kParts[static_cast<std::size_t>(part)]);
    std::int64_t count = 0;
    MediaOut place(options_.out);
    write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) {
      for_each([&](Record record) {
        const std::uint64_t group = groups_.find(mix_keys(prompt_key(record.prompt), 1));
        if (part_of(group) != part) return;
        ++sizes_[group];
        ++count;
        for (MediaRef& ref : record.media) place.place(ref, {});
        sink(json_line(record_to_json(record)) + "\n");
      });
    });
    const double share = part == 0 ? 1 - options_.validation - options_.test : part == 1 ? options_.validation : options_.test;
    if (count == 0 && share > 0)
      throw Error(Code::kInvalidInput, options_.path, format("no group of prompts fell into {}", kParts[static_cast<std::size_t>(part)]),
                  "there are too few prompts for this share, or all are tied together by a shared medium; try another --seed or share");
    parts_[kParts[static_cast<std::size_t>(part)]] = {{"path", path}, {"records", count}};
  }

  // Reads what was written, as somebody else would.
  Json check() const {
    std::array<DataKeys, 3> keys;
    for (std::size_t part = 0; part < 3; ++part) keys[part] = keys_of(format("{}/{}.jsonl", options_.out, kParts[part]), {});
    std::int64_t prompts = 0, media = 0;
    for (const auto& [a, b] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
      for (const std::uint64_t key : keys[a].prompts) prompts += keys[b].prompts.contains(key);
      for (const std::uint64_t key : keys[a].media) media += keys[b].media.contains(key);
    }
    require_internal(prompts == 0 && media == 0, "the parts of a split share nothing");
    return {{"prompts", prompts}, {"media", media}};
  }

  std::int64_t largest() const {
    std::int64_t most = 0;
    for (const auto& [group, count] : sizes_) most = std::max(most, count);
    return most;
  }

  const SplitOptions& options_;
  std::string records_;
  Groups groups_;
  std::unordered_map<std::uint64_t, std::int64_t> sizes_;  // records per group
  Json parts_ = Json::object();
  std::int64_t read_ = 0, bad_ = 0;
};

}  // namespace

Json split(const SplitOptions& options) {
  if (options.validation + options.test >= 1)
    throw Error(Code::kUsage, "--validation", "validation and test leave nothing for training", "their sum must be below 1");
  ConvertOptions first;
  first.path = options.path;
  first.out = options.out;
  first.dataset = options.dataset;
  first.check = options.check;
  return Splitter(options, prepare_records(first)).run();
}

}  // namespace beholder::data
