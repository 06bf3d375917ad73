// One list of fields per configuration struct gives its TOML keys, command-line flags, help, documentation and the
// resolved record of a run. A struct declares the list once:
//
//   struct SftConfig {
//     double learning_rate = 1e-3;
//     void fields(FieldList& f) { f.add("learning_rate", learning_rate, "peak learning rate"); }
//   };
//
// Names are snake_case in TOML and JSON (TRL's spelling); a flag may be typed with - or _ (--learning-rate, --learning_rate).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/json.h"

namespace beholder {

using FieldTarget = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*, std::vector<double>*>;

struct Field {
  std::string name;  // "learning_rate"; "optim.beta1" for a field of a TOML table
  std::string help;
  FieldTarget target;
  std::vector<std::string> choices;   // legal values of a string field; empty: any
  double low = -1e300, high = 1e300;  // legal range of a number, inclusive
  std::string group;                  // heading in --help
  std::string default_text;           // as printed in --help, taken when the field was added
};

class FieldList {
 public:
  // Starts a heading in --help for the fields that follow.
  void group(std::string_view name) { group_ = name; }
  // Fields added until the matching end_table() live in the TOML table [name] and are flagged --name.field.
  void table(std::string_view name) { prefix_ = std::string(name) + "."; }
  void end_table() { prefix_.clear(); }

  template <class T>
  Field& add(std::string_view name, T& target, std::string_view help) {
    return add_target(name, FieldTarget(&target), help);
  }
  void add_choice(std::string_view name, std::string& target, std::vector<std::string> choices, std::string_view help);
  template <class T>
  void add_range(std::string_view name, T& target, double low, double high, std::string_view help) {
    Field& field = add(name, target, help);
    field.low = low;
    field.high = high;
  }

  const std::vector<Field>& all() const { return fields_; }
  const Field* find(std::string_view name) const;  // '-' and '_' are the same
  // The existing name closest to `name` (edit distance), for "did you mean".
  std::string nearest(std::string_view name) const;

 private:
  Field& add_target(std::string_view name, FieldTarget target, std::string_view help);
  std::vector<Field> fields_;
  std::string group_, prefix_;
};

// Sets one field from text (a flag's value). kUsage with the legal values when it does not fit. `where` is "--flag" or "file:line".
void set_field(const Field& field, std::string_view text, std::string_view where);
// Applies a TOML file. Unknown keys are kUsage with line and nearest name. Returns the names that were set.
std::vector<std::string> apply_toml(const std::string& path, const FieldList& fields);
// The same for a file's content; `path` stands in errors.
std::vector<std::string> apply_toml_text(std::string_view text, const std::string& path, const FieldList& fields);
// The current values, nested as in TOML.
Json fields_to_json(const FieldList& fields);
// Current value as text, e.g. "0.001", "soft", "[a, b]".
std::string field_text(const Field& field);

// Smallest number of single-character edits between two words.
int edit_distance(std::string_view a, std::string_view b);

}  // namespace beholder
