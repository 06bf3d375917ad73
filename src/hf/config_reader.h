// Typed, range-checked access to one object of a checkpoint's JSON files. Internal to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder::hf {

inline constexpr const char* kOwnConfig = "use the config.json that came with the weights";

// Whether `value` is an integer in [low, high]; numbers made in code are signed, parsed ones unsigned.
inline bool is_integer_in(const Json& value, std::int64_t low, std::int64_t high) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
  return value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
}

// Reads one JSON object; every accessor names the file and the key in its error.
class ConfigReader {
 public:
  ConfigReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) throw Error(Code::kCorrupt, where_, "is not a JSON object", kOwnConfig);
  }
  const std::string& where() const { return where_; }
  bool has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }
  const Json& at(const char* key) const {
    if (!has(key)) throw_json_type(key, where_, nullptr);
    return json_[key];
  }
  template <class T>
  T get(const char* key, T fallback) const {
    return json_get<T>(json_, key, fallback, where_);
  }

  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    const Json& value = at(key);
    if (!value.is_number_integer()) throw_json_type(key, where_, &value);
    if (!is_integer_in(value, low, high)) out_of_range(key, low, high);
    return value.get<std::int64_t>();
  }
  std::int64_t integer_or(const char* key, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    return has(key) ? integer(key, low, high) : fallback;
  }
  double real_or(const char* key, double fallback, double low, double high) const {
    if (!has(key)) return fallback;
    if (!at(key).is_number()) throw_json_type(key, where_, &at(key));
    const double value = at(key).get<double>();
    if (!(value >= low && value <= high)) out_of_range(key, low, high);
    return value;
  }
  void require(bool condition, const std::string& what) const {
    if (!condition) throw Error(Code::kCorrupt, where_, what, kOwnConfig);
  }
  [[noreturn]] void unsupported(const std::string& what, std::string_view fix = {}) const {
    throw Error(Code::kUnsupported, where_, what, fix);
  }

 private:
  template <class T>
  [[noreturn]] void out_of_range(const char* key, T low, T high) const {
    throw Error(Code::kCorrupt, where_, format("\"{}\" is {}, outside {} to {}", key, json_line(json_[key]).substr(0, 40), low, high),
                kOwnConfig);
  }
  const Json& json_;
  std::string where_;
};

}  // namespace beholder::hf
