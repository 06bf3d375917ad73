#include "hf/chat_template.h"

#include <filesystem>

#include "core/file.h"
#include "core/json.h"

namespace beholder::hf {
namespace {

constexpr std::uint64_t kMaxTemplateBytes = std::uint64_t{1} << 24;

// The template of a JSON file, or "" where it has none. A list holds several by name: "default" is the one for chats.
std::string template_in(const Json& json) {
  const auto found = json.is_object() ? json.find("chat_template") : json.end();
  if (!json.is_object() || found == json.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return "";
  for (const Json& one : *found)
    if (one.is_object() && one.value("name", Json()) == "default" && one.value("template", Json()).is_string()) return one["template"];
  return "";
}

std::string chat_template_of(const std::string& dir) {
  if (const std::string path = dir + "/chat_template.jinja"; std::filesystem::exists(path)) return read_file(path, kMaxTemplateBytes);
  for (const char* name : {"/chat_template.json", "/tokenizer_config.json"})
    if (std::filesystem::exists(dir + name))
      if (std::string text = template_in(read_json(dir + name)); !text.empty()) return text;
  return "";
}

}  // namespace

bool template_has_default_system(const std::string& dir, bool fallback) {
  const std::string text = chat_template_of(dir);
  return text.empty() ? fallback : text.find(kDefaultSystem) != std::string::npos;
}

}  // namespace beholder::hf
