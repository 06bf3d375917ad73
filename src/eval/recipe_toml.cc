#include "eval/recipe_toml.h"

#include <cctype>
#include <cmath>
#include <sstream>

#include "core/file.h"

namespace beholder::eval {

RecipeFile::RecipeFile(const std::string& recipe_path, const char* manual) : path(recipe_path) {
  try {
    table = toml::parse(read_file(path), path);
  } catch (const toml::parse_error& e) {
    refuse_recipe(format("{}:{}", path, e.source().begin.line), std::string(e.description()), format("see {}", manual));
  }
}

void refuse_recipe(const std::string& where, const std::string& what, const std::string& fix) {
  throw Error(Code::kUsage, where, what, fix);
}

std::string folder_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  return out;
}

void merge_tables(toml::table& into, const toml::table& from) {
  for (const auto& [key, node] : from) {
    toml::table* there = into[key].as_table();
    if (there && node.is_table())
      merge_tables(*there, *node.as_table());
    else
      into.insert_or_assign(key, node);
  }
}

toml::table settings_over(const toml::table* base, const toml::table& table, std::initializer_list<std::string_view> own) {
  toml::table out;
  if (base) out = *base;
  for (const auto& [key, node] : table)
    if (std::find(own.begin(), own.end(), key.str()) == own.end()) merge_tables(out, toml::table{{key, node}});
  return out;
}

std::string toml_text(const toml::table& table) {
  std::ostringstream text;
  text << table << "\n";
  return text.str();
}

void check_keys(const toml::table& table, std::initializer_list<std::string_view> known, const std::string& where) {
  for (const auto& [key, node] : table)
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      refuse_recipe(where, format("unknown key \"{}\"", key.str()), format("it takes {}", fmt::join(known, ", ")));
}

const toml::table& need_table(const RecipeFile& recipe, const char* name, const std::string& example) {
  const toml::table* table = recipe.table[name].as_table();
  if (!table) refuse_recipe(recipe.path, format("has no [{}]", name), example);
  return *table;
}

std::vector<const toml::table*> need_tables(const RecipeFile& recipe, const char* name, const std::string& why) {
  const toml::array* array = recipe.table[name].as_array();
  if (!array || array->empty() || !array->is_homogeneous<toml::table>()) refuse_recipe(recipe.path, format("has no [[{}]]", name), why);
  std::vector<const toml::table*> out;
  for (const toml::node& node : *array) out.push_back(node.as_table());
  return out;
}

std::string text_of(const toml::table& table, std::string_view key, const std::string& where, std::string_view otherwise) {
  return value_of<std::string>(table, key, where, "a text in quotes").value_or(std::string(otherwise));
}

double number_of(const toml::table& table, std::string_view key, const std::string& where, double otherwise, double low, double high) {
  const toml::node* node = table.get(key);
  const double value = !node ? otherwise : node->is_number() ? node->value<double>().value_or(otherwise) : std::nan("");
  if (!(value >= low && value <= high))
    refuse_recipe(format("{}: {}", where, key), "is not a number in its range", format("give one from {} to {}", low, high));
  return value;
}

std::int64_t count_of(const toml::table& table, std::string_view key, const std::string& where, std::int64_t otherwise, std::int64_t low) {
  const std::int64_t value = value_of<std::int64_t>(table, key, where, "a whole number").value_or(otherwise);
  if (value < low) refuse_recipe(format("{}: {}", where, key), format("is {}", value), format("give at least {}", low));
  return value;
}

}  // namespace beholder::eval
