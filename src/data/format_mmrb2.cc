// Multimodal RewardBench 2: {"pairs":[…]}; contents are lists of [kind, value]. A pair of pictures made for a text becomes a
// record; the pictures of the task itself and texts between the answer's pictures are kept under "meta".
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

struct Content {
  std::string text;
  std::vector<std::string> images;
};

Content read_content(const Json& parts, const char* what, const RowContext& context) {
  Content content;
  if (!parts.is_array()) throw Error(Code::kInvalidInput, context.where, format("\"{}\" is not a list", what));
  for (const Json& part : parts) {
    if (!part.is_array() || part.size() != 2 || !part[0].is_string() || !part[1].is_string())
      throw Error(Code::kInvalidInput, context.where, format("\"{}\" holds something that is not [kind, value]", what));
    const std::string value = part[1].get<std::string>();
    if (part[0] == "image")
      content.images.push_back(value);
    else
      content.text += (content.text.empty() ? "" : "\n") + value;
  }
  return content;
}

Content response(const Row& row, const char* side, const RowContext& context) {
  const auto it = row.find(side);
  if (it == row.end() || !it->is_object() || !it->contains("response_content"))
    throw Error(Code::kInvalidInput, context.where, format("\"{}\" has no \"response_content\"", side));
  return read_content((*it)["response_content"], side, context);
}

Record mmrb2_row(Row& row, const RowContext& context) {
  Record record{text_cell_or(row, "id", context.id, context), {}, {}, {}, {}, {}};
  const Content prompt = read_content(row["prompt_content"], "prompt_content", context);
  record.prompt = prompt.text;
  record.meta = meta_of(row, {"prompt_source", "human_annotations"});
  if (!prompt.images.empty()) {
    record.meta["prompt_images"] = prompt.images;
    ++context.notes.counts[kSourceNotShown];
  }
  for (const char* side : {"response_a", "response_b"}) {
    const Content content = response(row, side, context);
    if (content.images.size() != 1)
      throw Error(Code::kInvalidInput, context.where, format("\"{}\" has {} pictures", side, content.images.size()),
                  "only pairs of one picture each can be compared");
    record.media.push_back({.path = content.images[0], .frames = {}, .fps = 0, .bytes = {}});
    if (!content.text.empty()) record.meta[format("{}_text", side)] = content.text;
  }
  record.target = choice_cell(row, "chosen", context);
  return record;
}

}  // namespace

std::vector<Format> mmrb2_formats() {
  return {{"mmrb2",
           "Multimodal RewardBench 2",
           {"prompt_content", "response_a", "response_b", "chosen"},
           {"id", "prompt_source", "human_annotations"},
           each_row(mmrb2_row)}};
}

}  // namespace beholder::data
