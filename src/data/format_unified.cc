// UnifiedReward-Think's training lists: conversations with a thought to learn (SFT), and problems with a solution (GRPO). The
// answer "Image 2 is better" becomes this program's <answer>2</answer>.
#include <regex>

#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"

namespace beholder::data {
namespace {

std::vector<MediaRef> images(const Row& row, const RowContext& context) {
  const auto it = row.find("images");
  if (it == row.end() || !it->is_array() || it->empty())
    throw Error(Code::kInvalidInput, context.where, "\"images\" is not a list of paths");
  std::vector<MediaRef> media;
  for (const Json& path : *it) {
    if (!path.is_string() || path.get_ref<const std::string&>().empty())
      throw Error(Code::kInvalidInput, context.where, "\"images\" holds something that is no path");
    media.push_back({.path = path.get<std::string>(), .frames = {}, .fps = 0, .bytes = {}});
  }
  return media;
}

std::string trimmed(std::string text, std::string_view edges) {
  const std::size_t begin = text.find_first_not_of(edges);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(edges) - begin + 1);
}

// The caption the pictures were made for, where the question quotes it; else the question without its <image> marks.
std::string prompt_of(std::string question) {
  for (std::size_t at = question.find("<image>"); at != std::string::npos; at = question.find("<image>")) question.erase(at, 7);
  const std::string mark = "Text Caption:";
  const std::size_t at = question.rfind(mark);
  if (at == std::string::npos) return trimmed(question, " \r\n\t");
  return trimmed(question.substr(at + mark.size()), " \r\n\t*[]");
}

// 1 or 2 in "Image 2 is better" (or Video, Answer); 0 where it says neither.
int better(const std::string& text) {
  static const std::regex pattern(R"(\b(?:Image|Video|Answer)\s*([12])\s+is\s+better)", std::regex::icase);
  std::smatch match;
  return text.size() < 4096 && std::regex_search(text, match, pattern) ? match[1].str()[0] - '0' : 0;
}

void set_choice(Record& record, int choice, const RowContext& context) {
  record.target = choice == 0 || record.media.size() != 2 ? no_target(context) : pair_target(choice == 1 ? 1 : 0);
}

Record sft_row(Row& row, const RowContext& context) {
  Record record{text_cell_or(row, "id", context.id, context), {}, images(row, context), {}, {}, {}};
  if (!row["conversations"].is_array()) throw Error(Code::kInvalidInput, context.where, "\"conversations\" is not a list");
  for (const Json& turn : row["conversations"]) {
    const std::string from = text_cell(turn, "from", context), value = text_cell(turn, "value", context);
    std::string& to = from == "human" ? record.prompt : record.completion;
    if (from != "human" && from != "gpt") continue;
    if (!to.empty()) throw Error(Code::kInvalidInput, context.where, "has more than one question and answer");
    to = value;
  }
  if (record.prompt.empty() || record.completion.empty())
    throw Error(Code::kInvalidInput, context.where, "\"conversations\" has no question of \"human\" with an answer of \"gpt\"");
  record.prompt = prompt_of(record.prompt);
  const std::size_t begin = record.completion.find("<answer>"), end = record.completion.find("</answer>");
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    ++context.notes.counts["completions without <answer>"];
    set_choice(record, 0, context);
    return record;
  }
  const int choice = better(record.completion.substr(begin + 8, end - begin - 8));
  set_choice(record, choice, context);
  if (choice > 0) record.completion.replace(begin + 8, end - begin - 8, std::to_string(choice));
  return record;
}

Record grpo_row(Row& row, const RowContext& context) {
  Record record{
      text_cell_or(row, "id", context.id, context), prompt_of(text_cell(row, "problem", context)), images(row, context), {}, {}, {}};
  set_choice(record, better(text_cell_or(row, "solution", "", context)), context);
  return record;
}

}  // namespace

std::vector<Format> unified_formats() {
  return {{"unifiedreward-sft", "UnifiedReward-Think, cold start", {"conversations", "images"}, {"id"}, each_row(sft_row)},
          {"unifiedreward-grpo", "UnifiedReward-Think, GRPO", {"problem", "solution", "images"}, {"id"}, each_row(grpo_row)}};
}

}  // namespace beholder::data
