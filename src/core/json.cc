#include "core/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder {
namespace {
constexpr int kMaxDepth = 64;
constexpr std::string_view kMend = "correct it, or fetch it again";

// Deepest nesting, strings left out. Checked ahead of parsing: the parser's own callback takes quadratic time on large objects.
int nesting(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, bool unique_keys) {
  if (nesting(text) > kMaxDepth) throw Error(Code::kCorrupt, where, format("JSON nested deeper than {}", kMaxDepth), kMend);
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, Json::parse_event_t event, Json& parsed) {
    using E = Json::parse_event_t;
    if (event == E::object_start) keys.emplace_back();
    if (event == E::object_end) keys.pop_back();
    if (event == E::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw Error(Code::kCorrupt, where, format("the key \"{}\" stands twice", parsed.get<std::string>()), "keep one of them");
    return true;
  };
  try {
    return unique_keys ? Json::parse(text, check) : Json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    throw Error(Code::kCorrupt, where, format("not valid JSON: {}", e.what()), kMend);
  }
}

Json read_json(const std::string& path) {
  return parse_json(read_file(path), path);
}

std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void throw_json_type(const char* key, std::string_view where, const Json* found) {
  if (!found) throw Error(Code::kCorrupt, where, format("the key \"{}\" is missing", key), kMend);
  throw Error(Code::kCorrupt, where, format("\"{}\" has the wrong type: {}", key, json_line(*found).substr(0, 80)), kMend);
}

}  // namespace beholder
