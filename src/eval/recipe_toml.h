// Typed, strict access to a recipe's TOML tables; every refusal is kUsage with its place. Internal to the readers of recipes.
#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/format.h"

namespace beholder::eval {

// A recipe as its file says it. `manual`: the page that describes it, for errors.
struct RecipeFile {
  std::string path;
  toml::table table;

  RecipeFile(const std::string& recipe_path, const char* manual);
};

[[noreturn]] void refuse_recipe(const std::string& where, const std::string& what, const std::string& fix);

// Letters, digits, dots and dashes of a name, with one _ for what else stands between them. Empty where nothing is left.
std::string folder_name(const std::string& name);

// `from` over `into`, table by table.
void merge_tables(toml::table& into, const toml::table& from);
// The entries of `table` but for those named, over those of `base` (null: none).
toml::table settings_over(const toml::table* base, const toml::table& table, std::initializer_list<std::string_view> own);
std::string toml_text(const toml::table& table);  // for a command's --config

void check_keys(const toml::table& table, std::initializer_list<std::string_view> known, const std::string& where);
// A table of the recipe; refused where it is not there.
const toml::table& need_table(const RecipeFile& recipe, const char* name, const std::string& example);
// The recipe's list of tables [[name]]; refused where there is none.
std::vector<const toml::table*> need_tables(const RecipeFile& recipe, const char* name, const std::string& why);

// Nothing where the key is missing.
template <class T>
std::optional<T> value_of(const toml::table& table, std::string_view key, const std::string& where, const char* what) {
  const toml::node* node = table.get(key);
  if (!node) return std::nullopt;
  const std::optional<T> value = node->value_exact<T>();
  if (!value) refuse_recipe(format("{}: {}", where, key), format("is not {}", what), format("give {}", what));
  return value;
}

std::string text_of(const toml::table& table, std::string_view key, const std::string& where, std::string_view otherwise = "");
// Whole numbers count as numbers. kUsage outside [low, high].
double number_of(const toml::table& table, std::string_view key, const std::string& where, double otherwise, double low, double high);
std::int64_t count_of(const toml::table& table, std::string_view key, const std::string& where, std::int64_t otherwise,
                      std::int64_t low = 1);

template <class T>
std::vector<T> list_of(const toml::table& table, std::string_view key, const std::string& where, const char* what) {
  const toml::node* node = table.get(key);
  if (!node) return {};
  const toml::array* array = node->as_array();
  std::vector<T> out;
  for (std::size_t i = 0; array && i < array->size(); ++i)
    if (const auto value = array->get(i)->value_exact<T>(); value && std::find(out.begin(), out.end(), *value) == out.end())
      out.push_back(*value);
  if (!array || out.size() != array->size() || out.empty())
    refuse_recipe(format("{}: {}", where, key), format("is not a list of different {}", what), format("give a list of {}", what));
  return out;
}

}  // namespace beholder::eval
