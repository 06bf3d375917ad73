// VisionRewardDB: single pictures and videos with checklist answers (kept under "meta"), and video pairs.
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

// Answers must be 0 or 1 and as many as the mask has.
Json answers(const Row& row, const RowContext& context) {
  Json meta = meta_of(row, {"annotation", "meta_result", "meta_mask"});
  for (const char* key : {"meta_result", "meta_mask"}) {
    if (!meta.contains(key)) continue;
    for (const Json& value : meta[key])
      if (value != 0 && value != 1)
        throw Error(Code::kInvalidInput, context.where, format("\"{}\" holds {}, not 0 or 1", key, json_line(value)));
  }
  if (meta.contains("meta_mask") && meta.contains("meta_result") && meta["meta_mask"].size() != meta["meta_result"].size())
    throw Error(Code::kInvalidInput, context.where, "\"meta_result\" and \"meta_mask\" have different lengths");
  return meta;
}

Record annotated(Row& row, const char* medium, const RowContext& context) {
  Record record{text_cell_or(row, "internal_id", context.id, context), text_cell(row, "prompt", context), {}, {}, {}, {}};
  record.media = {media_cell(row, medium, context)};
  record.meta = answers(row, context);
  ++context.notes.counts["single media with answers (no pair)"];
  return record;
}

Record image_row(Row& row, const RowContext& context) {
  return annotated(row, "image", context);
}

Record video_row(Row& row, const RowContext& context) {
  return annotated(row, "video_path", context);
}

Record pair_row(Row& row, const RowContext& context) {
  Record record{text_cell_or(row, "internal_id", context.id, context), text_cell(row, "prompt", context), {}, {}, {}, {}};
  record.media = {media_cell(row, "video1_path", context), media_cell(row, "video2_path", context)};
  record.target = choice_cell(row, "standard_answer", context);
  return record;
}

}  // namespace

std::vector<Format> visionreward_formats() {
  return {{"visionrewarddb-image",
           "VisionRewardDB-Image",
           {"image", "prompt", "annotation"},
           {"internal_id", "url", "meta_result", "meta_mask"},
           each_row(image_row)},
          {"visionrewarddb-video",
           "VisionRewardDB-Video, train",
           {"video_path", "prompt", "annotation"},
           {"internal_id", "url", "meta_result", "meta_mask"},
           each_row(video_row)},
          {"visionrewarddb-pairs",
           "VisionRewardDB-Video, regression and test",
           {"video1_path", "video2_path", "prompt", "standard_answer"},
           {"internal_id", "url"},
           each_row(pair_row)}};
}

}  // namespace beholder::data
