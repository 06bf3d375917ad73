#include "app/prompt_list.h"

#include <set>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "core/lines.h"
#include "core/progress.h"

namespace beholder::app {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  return begin == text.npos ? std::string() : text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

}  // namespace

PromptList read_prompts(const std::string& path) {
  PromptList list;
  std::set<std::string> known;
  Warnings warnings;
  std::optional<bool> json;
  LineReader lines(path);
  while (const auto line = lines.next()) {
    std::string prompt = trimmed(line->text);
    if (!json) json = prompt.starts_with('{');
    try {
      if (line->too_long) throw Error(Code::kInvalidInput, lines.where(), "is too long", "one prompt a line");
      if (*json) prompt = trimmed(json_need<std::string>(parse_json(prompt, lines.where()), "prompt", lines.where()));
      if (prompt.empty()) throw Error(Code::kInvalidInput, lines.where(), "has an empty prompt", "say what to generate");
    } catch (const Error& error) {
      ++list.bad;
      warnings.add(format("left out {}", error.what()));
      continue;
    }
    if (known.insert(prompt).second)
      list.prompts.push_back(prompt);
    else
      ++list.repeated;
  }
  if (list.prompts.empty())
    throw Error(Code::kInvalidInput, path, "has no prompt", "write one prompt a line, or JSON lines with \"prompt\"");
  return list;
}

}  // namespace beholder::app
