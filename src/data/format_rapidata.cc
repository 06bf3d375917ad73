// Rapidata's sets: votes counted per picture, or shares weighted by how reliable each voter is.
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

Record two_pictures(Row& row, const RowContext& context) {
  Record record{text_cell_or(row, "id", context.id, context), text_cell(row, "prompt", context), {}, {}, {}, {}};
  record.media = {media_cell(row, "image1", context), media_cell(row, "image2", context)};
  record.meta = meta_of(row, {"model1", "model2"});
  return record;
}

double need_number(const Row& row, const std::string& column, const RowContext& context) {
  const std::optional<double> value = number_cell(row, column.c_str(), context);
  if (!value)
    throw Error(Code::kInvalidInput, context.where, format("\"{}\" holds no number", column),
                "choose --aspect preference, coherence or alignment");
  return *value;
}

Target share_of(const Row& row, const std::string& first, const std::string& second, const RowContext& context, bool counts) {
  if (is_null_cell(row, first.c_str()) && is_null_cell(row, second.c_str())) return no_target(context);
  return share_target(need_number(row, first, context), need_number(row, second, context), context, counts);
}

Record votes_row(Row& row, const RowContext& context) {
  Record record = two_pictures(row, context);
  record.target = share_of(row, "votes_image1", "votes_image2", context, true);
  return record;
}

Record weighted_row(Row& row, const RowContext& context) {
  const std::string aspect = context.options.aspect.empty() ? "preference" : context.options.aspect;
  Record record = two_pictures(row, context);
  record.target = share_of(row, "weighted_results_image1_" + aspect, "weighted_results_image2_" + aspect, context, false);
  return record;
}

}  // namespace

std::vector<Format> rapidata_formats() {
  return {{"rapidata-votes",
           "Rapidata, votes counted",
           {"prompt", "image1", "image2", "votes_image1", "votes_image2"},
           {"id", "model1", "model2", "detailed_results", "image1_path", "image2_path"},
           each_row(votes_row)},
          {"rapidata-weighted",
           "Rapidata, weighted shares (--aspect preference, coherence, alignment)",
           {"prompt", "image1", "image2", "weighted_results_image1_preference", "weighted_results_image2_preference"},
           {"id", "model1", "model2", "weighted_results_image1_coherence", "weighted_results_image2_coherence",
            "weighted_results_image1_alignment", "weighted_results_image2_alignment", "detailed_results_preference",
            "detailed_results_coherence", "detailed_results_alignment"},
           each_row(weighted_row)}};
}

}  // namespace beholder::data
