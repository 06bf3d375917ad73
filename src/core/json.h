// JSON: nlohmann's ordered kind, so that what we write keeps the order we wrote it in.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace beholder {

using Json = nlohmann::ordered_json;

// Parses text; `where` names the file (or line) in the error (kCorrupt). Refuses nesting deeper than 64 and, with
// `unique_keys` (for small texts: it takes quadratic time), an object that names a key twice.
Json parse_json(std::string_view text, std::string_view where, bool unique_keys = false);

// Reads and parses a file. kNotFound or kCorrupt.
Json read_json(const std::string& path);

// value[key] as T, or `fallback` where the key is absent or null. A value of another type is kCorrupt, naming `where`.
template <class T>
T json_get(const Json& value, const char* key, T fallback, std::string_view where);

// The same, but the key must be there.
template <class T>
T json_need(const Json& value, const char* key, std::string_view where);

// One line; text that is not UTF-8 is written with replacement characters instead of failing.
std::string json_line(const Json& value);

[[noreturn]] void throw_json_type(const char* key, std::string_view where, const Json* found);

template <class T>
T json_need(const Json& value, const char* key, std::string_view where) {
  const auto it = value.is_object() ? value.find(key) : value.end();
  if (it == value.end()) throw_json_type(key, where, nullptr);
  try {
    return it->template get<T>();
  } catch (const nlohmann::json::exception&) {
    throw_json_type(key, where, &*it);
  }
}

template <class T>
T json_get(const Json& value, const char* key, T fallback, std::string_view where) {
  const auto it = value.is_object() ? value.find(key) : value.end();
  if (it == value.end() || it->is_null()) return fallback;
  return json_need<T>(value, key, where);
}

}  // namespace beholder
