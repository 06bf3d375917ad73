// The Human Preference Datasets: HPDv2's train.json and test.json, HPDv3's path1 (preferred) and path2.
#include <algorithm>

#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

std::vector<MediaRef> paths_cell(const Row& row, const char* column, const RowContext& context) {
  const auto it = row.find(column);
  if (it == row.end() || !it->is_array() || it->size() < 2)
    throw Error(Code::kInvalidInput, context.where, format("\"{}\" is not a list of two or more paths", column));
  std::vector<MediaRef> media;
  for (const Json& path : *it) {
    if (!path.is_string() || path.get_ref<const std::string&>().empty())
      throw Error(Code::kInvalidInput, context.where, format("\"{}\" holds something that is no path", column));
    media.push_back({.path = path.get<std::string>(), .frames = {}, .fps = 0, .bytes = {}});
  }
  return media;
}

std::vector<double> numbers_cell(const Row& row, const char* column, std::size_t count, const RowContext& context) {
  const auto it = row.find(column);
  const bool fits = it != row.end() && it->is_array() && it->size() == count &&
                    std::all_of(it->begin(), it->end(), [](const Json& value) { return value.is_number(); });
  if (!fits) throw Error(Code::kInvalidInput, context.where, format("\"{}\" is not a list of {} numbers", column, count));
  return it->get<std::vector<double>>();
}

// 1, 2, 3… in the order of the values; equal values share a rank.
std::vector<int> dense_ranks(const std::vector<double>& values) {
  std::vector<double> levels = values;
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  std::vector<int> ranks;
  for (const double value : values)
    ranks.push_back(static_cast<int>(std::lower_bound(levels.begin(), levels.end(), value) - levels.begin()) + 1);
  return ranks;
}

Record train_row(Row& row, const RowContext& context) {
  Record record{context.id, text_cell(row, "prompt", context), paths_cell(row, "file_path", context), {}, {}, {}};
  if (record.media.size() != 2) throw Error(Code::kInvalidInput, context.where, "\"file_path\" is not a list of two paths");
  if (is_null_cell(row, "human_preference")) {
    record.target = no_target(context);
    return record;
  }
  const std::vector<double> chosen = numbers_cell(row, "human_preference", 2, context);
  record.target = share_target(chosen[0], chosen[1], context, false);
  return record;
}

Record hpd_test_row(Row& row, const RowContext& context) {
  Record record{context.id, text_cell(row, "prompt", context), paths_cell(row, "image_path", context), {}, {}, {}};
  record.meta = meta_of(row, {"raw_annotations"});
  if (is_null_cell(row, "rank")) {
    record.target = no_target(context);
    return record;
  }
  record.target.kind = Target::Kind::kRanking;
  record.target.ranking = dense_ranks(numbers_cell(row, "rank", record.media.size(), context));
  return record;
}

// The distribution of the votes where it agrees with the order, else the order alone. People's counts are whole numbers.
Target hpdv3_target(const Row& row, const RowContext& context) {
  const auto it = row.find("choice_dist");
  if (it == row.end() || it->is_null()) return pair_target(1);
  if (!it->is_array() || !std::all_of(it->begin(), it->end(), [](const Json& value) { return value.is_number(); })) {
    ++context.notes.counts["choice_dist is no list of numbers (order taken)"];
    return pair_target(1);
  }
  const auto votes = it->get<std::vector<double>>();
  if (votes.size() != 2 || votes[0] < votes[1] || votes[1] < 0 || votes[0] <= 0) {
    ++context.notes.counts["choice_dist does not agree with the order (order taken)"];
    return pair_target(1);
  }
  const bool counts = votes[0] >= 1 && votes[0] + votes[1] >= 2;
  return pair_target(votes[0] / (votes[0] + votes[1]), counts ? static_cast<int>(std::min(votes[0] + votes[1], 1e9)) : 0);
}

// The preferred picture always comes first, so the sides are shuffled here.
Record hpdv3_row(Row& row, const RowContext& context) {
  Record record{context.id, text_cell(row, "prompt", context), {}, {}, {}, {}};
  record.media = {media_cell(row, "path1", context), media_cell(row, "path2", context)};
  record.target = hpdv3_target(row, context);
  Record shuffled = shuffle_sides(record, context.options.seed, 0);
  const bool swapped = shuffled.media[0].path != record.media[0].path;
  shuffled.meta = meta_of(row, {"confidence"});
  for (const int side : {0, 1}) {
    const std::string model = text_cell_or(row, (side == 0) != swapped ? "model1" : "model2", "", context);
    if (!model.empty()) shuffled.meta[side == 0 ? "model1" : "model2"] = model;
  }
  return shuffled;
}

}  // namespace

std::vector<Format> hpd_formats() {
  return {
      {"hpdv2-train", "HPDv2's train.json", {"human_preference", "prompt", "file_path"}, {"user_hash"}, each_row(train_row)},
      {"hpdv2-test", "HPDv2's test.json", {"prompt", "image_path", "rank"}, {"raw_annotations"}, each_row(hpd_test_row)},
      {"hpdv3", "HPDv3 and HPDv3++", {"path1", "path2", "prompt"}, {"choice_dist", "confidence", "model1", "model2"}, each_row(hpdv3_row)}};
}

}  // namespace beholder::data
