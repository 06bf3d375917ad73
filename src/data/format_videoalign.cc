// VideoGen-RewardBench and VideoAlign's csv: two video files and, per aspect, A, B or same.
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

Record videoalign_row(Row& row, const RowContext& context) {
  const std::string aspect = context.options.aspect.empty() ? "Overall" : context.options.aspect;
  if (!row.contains(aspect))
    throw Error(Code::kInvalidInput, context.where, format("there is no column \"{}\"", aspect), "choose --aspect VQ, MQ or TA");
  Record record{context.id, text_cell(row, "prompt", context), {}, {}, {}, {}};
  record.media = {media_cell(row, "path_A", context), media_cell(row, "path_B", context)};
  record.target = choice_cell(row, aspect.c_str(), context);
  record.meta = meta_of(row, {"VQ", "MQ", "TA", "Overall", "fps_A", "num_frames_A", "fps_B", "num_frames_B", "A_model", "B_model"});
  return record;
}

}  // namespace

std::vector<Format> videoalign_formats() {
  return {{"videoalign",
           "VideoAlign's csv (--aspect Overall, VQ, MQ, TA)",
           {"path_A", "path_B", "prompt"},
           {"VQ", "MQ", "TA", "Overall", "fps_A", "num_frames_A", "fps_B", "num_frames_B", "A_model", "B_model"},
           each_row(videoalign_row)}};
}

}  // namespace beholder::data
