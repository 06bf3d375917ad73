// GenAI-Bench (both splits; pictures, edits, videos): left, right and a vote that knows "both bad".
#include "data/row_value.h"

namespace beholder::data {
namespace {

Record voted(Row& row, const char* prompt, const char* left, const char* right, const RowContext& context) {
  Record record{text_cell_or(row, "id", context.id, context), text_cell(row, prompt, context), {}, {}, {}, {}};
  record.media = {media_cell(row, left, context), media_cell(row, right, context)};
  record.target = choice_cell(row, "vote_type", context);
  record.meta = meta_of(row, {"left_model", "right_model", "vote_type", "source_prompt", "target_prompt"});
  return record;
}

Record genai_image_row(Row& row, const RowContext& context) {
  return voted(row, "prompt", "left_image", "right_image", context);
}

Record edition_row(Row& row, const RowContext& context) {
  if (row.contains("source_image") && !row["source_image"].is_null()) ++context.notes.counts[kSourceNotShown];
  return voted(row, "instruct_prompt", "left_output_image", "right_output_image", context);
}

Record genai_video_row(Row& row, const RowContext& context) {
  return voted(row, "prompt", "left_video", "right_video", context);
}

Record copy_row(Row& row, const RowContext& context) {
  return voted(row, "prompt", "video_left", "video_right", context);
}

}  // namespace

std::vector<Format> genai_formats() {
  const std::vector<std::string_view> knows = {"id", "left_model", "right_model"};
  return {{"genai-bench-image",
           "GenAI-Bench, image_generation",
           {"prompt", "left_image", "right_image", "vote_type"},
           knows,
           each_row(genai_image_row)},
          {"genai-bench-edition",
           "GenAI-Bench, image_edition",
           {"instruct_prompt", "left_output_image", "right_output_image", "vote_type"},
           {"id", "left_model", "right_model", "source_image", "source_prompt", "target_prompt"},
           each_row(edition_row)},
          {"genai-bench-video",
           "GenAI-Bench, video_generation",
           {"prompt", "left_video", "right_video", "vote_type"},
           knows,
           each_row(genai_video_row)},
          {"genai-bench-json",
           "GenAI-Bench's videos as a JSON list",
           {"prompt", "video_left", "video_right", "vote_type"},
           knows,
           each_row(copy_row)}};
}

}  // namespace beholder::data
