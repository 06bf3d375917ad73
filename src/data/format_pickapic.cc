// Pick-a-Pic v1 and v2: two pictures as bytes, label_0 + label_1 = 1, a tie is 0.5 each. As in the reference reader, rows whose
// has_label is false count in the training split, and have no label in the others.
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

Target label(const Row& row, const RowContext& context) {
  const std::optional<double> labelled = number_cell(row, "has_label", context);
  const std::optional<double> first = number_cell(row, "label_0", context), second = number_cell(row, "label_1", context);
  if (!first || (labelled == 0.0 && !context.training)) return no_target(context);
  if (labelled == 0.0) ++context.notes.counts["has_label is false (label kept: the reference keeps it in training)"];
  if (*first < 0 || *first > 1 || (second && std::abs(*first + *second - 1) > 1e-6))
    throw Error(Code::kInvalidInput, context.where, format("label_0 {} and label_1 {} are no shares of 1", *first, second.value_or(0)));
  return pair_target(*first);
}

MediaRef picture(Row& row, const char* column, const char* uid, const RowContext& context) {
  MediaRef ref = media_cell(row, column, context);
  const std::string name = text_cell_or(row, uid, "", context);
  if (!name.empty()) ref.path += "/" + name;
  return ref;
}

Record pickapic_row(Row& row, const RowContext& context) {
  Record record{context.id, text_cell(row, "caption", context), {}, {}, {}, {}};
  record.media = {picture(row, "jpg_0", "image_0_uid", context), picture(row, "jpg_1", "image_1_uid", context)};
  record.target = label(row, context);
  record.meta = meta_of(row, {"ranking_id", "user_id", "num_example_per_prompt", "model_0", "model_1"});
  return record;
}

}  // namespace

std::vector<Format> pickapic_formats() {
  return {{"pick-a-pic",
           "Pick-a-Pic v1 and v2",
           {"caption", "jpg_0", "jpg_1", "label_0"},
           {"are_different", "best_image_uid", "created_at", "has_label", "image_0_uid", "image_0_url", "image_1_uid", "image_1_url",
            "label_1", "model_0", "model_1", "ranking_id", "user_id", "num_example_per_prompt", "__index_level_0__"},
           each_row(pickapic_row)}};
}

}  // namespace beholder::data
