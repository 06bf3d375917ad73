#include "hf/sorted_json.h"

#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/format.h"

namespace beholder::hf {

namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kMend = "the file is damaged; fetch or write it again";

// Walks the text once, building nothing, and throws on a repeated key or on too deep nesting. (The library's parse callback
// would do, but it searches the parent object again after every child.)
class Checker : public nlohmann::json_sax<SortedJson> {
 public:
  explicit Checker(std::string_view where) : where_(where) {}
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) throw Error(Code::kCorrupt, where_, format("the key \"{}\" stands twice", name), kMend);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    throw Error(Code::kCorrupt, where_, format("not valid JSON: {}", e.what()), kMend);
  }

 private:
  bool open() {
    if (keys_.size() == kMaxDepth) throw Error(Code::kCorrupt, where_, format("JSON nested deeper than {}", kMaxDepth), kMend);
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }
  std::string where_;
  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

SortedJson parse_sorted_json(std::string_view text, std::string_view where) {
  Checker checker(where);
  SortedJson::sax_parse(text, &checker);
  return SortedJson::parse(text);
}

}  // namespace beholder::hf
