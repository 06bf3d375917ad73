#include "core/config.h"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder {
namespace {

template <class... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overload(Ts...) -> Overload<Ts...>;

std::string canonical(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

void check_range(const Field& field, double value, std::string_view where) {
  if (value >= field.low && value <= field.high) return;  // NaN fails both
  throw Error(Code::kUsage, where, format("{} = {} is out of range", field.name, value),
              format("legal: {} to {}", field.low <= -1e300 ? "-inf" : format("{}", field.low),
                     field.high >= 1e300 ? "inf" : format("{}", field.high)));
}

void check_choice(const Field& field, const std::string& value, std::string_view where) {
  if (field.choices.empty() || std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end()) return;
  throw Error(Code::kUsage, where, format("{} = \"{}\" is not a choice", field.name, value),
              format("choose one of: {}", fmt::join(field.choices, ", ")));
}

template <class T>
T parse_number(const Field& field, std::string_view text, std::string_view where) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Error(Code::kUsage, where,
                format("{} wants a {}, not \"{}\"", field.name, std::is_integral_v<T> ? "whole number" : "number", text));
  check_range(field, static_cast<double>(value), where);
  return value;
}

std::vector<std::string_view> split_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

[[noreturn]] void throw_toml_type(const Field& field, std::string_view where, const char* wanted) {
  throw Error(Code::kUsage, where, format("{} wants {}", field.name, wanted));
}

void set_from_toml(const Field& field, const toml::node& node, std::string_view where) {
  const auto number = [&](const toml::node& n) {
    const auto value = n.value<double>();
    if (!value || n.is_boolean()) throw_toml_type(field, where, "a number");
    check_range(field, *value, where);
    return *value;
  };
  const auto text = [&](const toml::node& n) {
    const auto value = n.value<std::string>();
    if (!value || !n.is_string()) throw_toml_type(field, where, "a text in quotes");
    return *value;
  };
  const auto array = [&]() -> const toml::array& {
    if (!node.is_array()) throw_toml_type(field, where, "a list");
    return *node.as_array();
  };
  std::visit(Overload{[&](bool* t) {
                        if (!node.is_boolean()) throw_toml_type(field, where, "true or false");
                        *t = *node.value<bool>();
                      },
                      [&](std::int64_t* t) {
                        if (!node.is_integer()) throw_toml_type(field, where, "a whole number");
                        *t = static_cast<std::int64_t>(number(node));
                      },
                      [&](double* t) { *t = number(node); },
                      [&](std::string* t) {
                        *t = text(node);
                        check_choice(field, *t, where);
                      },
                      [&](std::vector<std::string>* t) {
                        t->clear();
                        for (const auto& item : array()) t->push_back(text(item));
                      },
                      [&](std::vector<double>* t) {
                        t->clear();
                        for (const auto& item : array()) t->push_back(number(item));
                      }},
             field.target);
}

void apply_table(const toml::table& table, const std::string& prefix, const std::string& path, const FieldList& fields,
                 std::vector<std::string>& set) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const std::string where = format("{}:{}", path, node.source().begin.line);
    if (node.is_table()) {
      apply_table(*node.as_table(), name + ".", path, fields, set);
      continue;
    }
    const Field* field = fields.find(name);
    if (!field) throw Error(Code::kUsage, where, format("unknown key \"{}\"", name), format("did you mean \"{}\"?", fields.nearest(name)));
    set_from_toml(*field, node, where);
    set.push_back(field->name);
  }
}

}  // namespace

Field& FieldList::add_target(std::string_view name, FieldTarget target, std::string_view help) {
  Field field;
  field.name = prefix_ + std::string(name);
  field.help = help;
  field.target = target;
  field.group = group_;
  require_internal(find(field.name) == nullptr, format("field {} declared twice", field.name));
  field.default_text = field_text(field);
  return fields_.emplace_back(std::move(field));
}

void FieldList::add_choice(std::string_view name, std::string& target, std::vector<std::string> choices, std::string_view help) {
  add(name, target, help).choices = std::move(choices);
}

const Field* FieldList::find(std::string_view name) const {
  const std::string wanted = canonical(name);
  for (const Field& field : fields_)
    if (field.name == wanted) return &field;
  return nullptr;
}

std::string FieldList::nearest(std::string_view name) const {
  const std::string wanted = canonical(name);
  const auto best = std::min_element(fields_.begin(), fields_.end(), [&](const Field& a, const Field& b) {
    return edit_distance(a.name, wanted) < edit_distance(b.name, wanted);
  });
  return best == fields_.end() ? "" : best->name;
}

void set_field(const Field& field, std::string_view text, std::string_view where) {
  std::visit(Overload{[&](bool* t) {
                        if (text == "true" || text == "1" || text == "yes" || text == "on")
                          *t = true;
                        else if (text == "false" || text == "0" || text == "no" || text == "off")
                          *t = false;
                        else
                          throw Error(Code::kUsage, where, format("{} wants true or false, not \"{}\"", field.name, text));
                      },
                      [&](std::int64_t* t) { *t = parse_number<std::int64_t>(field, text, where); },
                      [&](double* t) { *t = parse_number<double>(field, text, where); },
                      [&](std::string* t) {
                        check_choice(field, std::string(text), where);
                        *t = text;
                      },
                      [&](std::vector<std::string>* t) {
                        t->clear();
                        for (const auto part : split_commas(text)) t->emplace_back(part);
                      },
                      [&](std::vector<double>* t) {
                        t->clear();
                        for (const auto part : split_commas(text)) t->push_back(parse_number<double>(field, part, where));
                      }},
             field.target);
}

std::vector<std::string> apply_toml(const std::string& path, const FieldList& fields) {
  return apply_toml_text(read_file(path), path, fields);
}

std::vector<std::string> apply_toml_text(std::string_view text, const std::string& path, const FieldList& fields) {
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    throw Error(Code::kUsage, format("{}:{}", path, e.source().begin.line), std::string(e.description()),
                "correct this line; values are TOML: texts in quotes, lists in [ ]");
  }
  std::vector<std::string> set;
  apply_table(table, "", path, fields, set);
  return set;
}

Json fields_to_json(const FieldList& fields) {
  Json out = Json::object();
  for (const Field& field : fields.all()) {
    Json* place = &out;
    std::string_view name = field.name;
    for (std::size_t dot; (dot = name.find('.')) != name.npos; name.remove_prefix(dot + 1))
      place = &(*place)[std::string(name.substr(0, dot))];
    std::visit([&](auto* t) { (*place)[std::string(name)] = *t; }, field.target);
  }
  return out;
}

std::string field_text(const Field& field) {
  return std::visit(Overload{[](const bool* t) { return std::string(*t ? "true" : "false"); }, [](const std::string* t) { return *t; },
                             [](const std::vector<std::string>* t) { return format("{}", fmt::join(*t, ",")); },
                             [](const std::vector<double>* t) { return format("{}", fmt::join(*t, ",")); },
                             [](const auto* t) { return format("{}", *t); }},
                    field.target);
}

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const int substituted = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace beholder
