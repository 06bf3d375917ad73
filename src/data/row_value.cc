#include "data/row_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/format.h"

namespace beholder::data {
namespace {

[[noreturn]] void bad(const RowContext& context, const std::string& what, std::string_view fix = {}) {
  throw Error(Code::kInvalidInput, context.where, what, fix);
}

// The value, or null where there is none.
const Json* find_cell(const Row& row, const char* column) {
  const auto it = row.find(column);
  return it == row.end() || it->is_null() ? nullptr : &*it;
}

std::string shown(const Json& value) {
  return value.is_binary() ? "bytes" : json_line(value).substr(0, 80);
}

std::shared_ptr<const std::string> take_bytes(Json& value) {
  const auto& bytes = value.get_binary();
  auto text = std::make_shared<const std::string>(bytes.begin(), bytes.end());
  value = nullptr;
  return text;
}

}  // namespace

std::string text_cell(const Row& row, const char* column, const RowContext& context) {
  const Json* cell = find_cell(row, column);
  if (!cell) bad(context, format("\"{}\" is missing", column));
  if (cell->is_number()) return cell->dump();
  if (!cell->is_string()) bad(context, format("\"{}\" is not a text: {}", column, shown(*cell)));
  return cell->get<std::string>();
}

std::string text_cell_or(const Row& row, const char* column, std::string fallback, const RowContext& context) {
  const Json* cell = find_cell(row, column);
  if (!cell) return fallback;
  std::string text = text_cell(row, column, context);
  return text.empty() ? fallback : text;
}

std::optional<double> number_cell(const Row& row, const char* column, const RowContext& context) {
  const Json* cell = find_cell(row, column);
  if (!cell) return std::nullopt;
  double value = 0;
  if (cell->is_number()) {
    value = cell->get<double>();
  } else if (cell->is_boolean()) {
    value = cell->get<bool>() ? 1 : 0;
  } else {
    const std::string text = text_cell(row, column, context);
    if (text.empty()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) bad(context, format("\"{}\" is not a number: {}", column, shown(*cell)));
  }
  if (std::isinf(value)) bad(context, format("\"{}\" is infinite", column));
  if (std::isnan(value)) return std::nullopt;
  return value;
}

MediaRef media_cell(Row& row, const char* column, const RowContext& context) {
  const auto it = row.find(column);
  if (it == row.end() || it->is_null()) bad(context, format("\"{}\" holds no medium", column));
  MediaRef ref;
  Json* bytes = &*it;
  if (it->is_object()) {
    const auto path = it->find("path");
    if (path != it->end() && path->is_string()) ref.path = path->get<std::string>();
    const auto inner = it->find("bytes");
    bytes = inner == it->end() || inner->is_null() ? nullptr : &*inner;
  } else if (it->is_string()) {
    ref.path = it->get<std::string>();
    bytes = nullptr;
  }
  if (bytes && !bytes->is_binary()) bad(context, format("\"{}\" is neither a path nor a picture's bytes: {}", column, shown(*it)));
  if (bytes) {
    ref.bytes = take_bytes(*bytes);
    ref.path = format("{}/{}{}", context.id, column, ref.path.empty() ? "" : "/" + ref.path);
    if (ref.bytes->empty()) bad(context, format("\"{}\" holds no bytes", column));
  }
  if (ref.path.empty()) bad(context, format("\"{}\" holds neither bytes nor a path", column));
  return ref;
}

Target pair_target(double q, int votes) {
  Target target;
  target.kind = Target::Kind::kPair;
  target.q = q;
  target.votes = votes;
  return target;
}

Target no_target(const RowContext& context) {
  ++context.notes.counts["no label"];
  return {};
}

Target share_target(double first, double second, const RowContext& context, bool counts) {
  if (first < 0 || second < 0) bad(context, format("shares {} and {}: below 0", first, second));
  const double sum = first + second;
  if (sum == 0) return no_target(context);
  if (!counts && std::abs(sum - 1) > 1e-3) ++context.notes.counts["shares that did not sum to 1 (scaled)"];
  return pair_target(first / sum, counts ? static_cast<int>(std::lround(std::min(sum, 1e9))) : 0);
}

bool is_null_cell(const Row& row, const char* column) {
  const auto it = row.find(column);
  return it != row.end() && it->is_null();
}

Target choice_cell(const Row& row, const char* column, const RowContext& context) {
  const std::string choice = is_null_cell(row, column) ? std::string() : text_cell(row, column, context);
  if (choice.empty()) return no_target(context);
  constexpr std::array<std::string_view, 10> kFirst{"a",      "1",       "left",  "leftvote", "image1",
                                                    "video1", "output1", "first", "imagea",   "videoa"};
  constexpr std::array<std::string_view, 10> kSecond{"b",      "2",       "right",  "rightvote", "image2",
                                                     "video2", "output2", "second", "imageb",    "videob"};
  constexpr std::array<std::string_view, 9> kTie{"same", "tie", "tievote", "equal", "both", "draw", "bothbad", "bothbadvote", "bothgood"};
  std::string word;
  for (const char c : choice)
    if (std::isalnum(static_cast<unsigned char>(c))) word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  const auto is_in = [&](const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (word.starts_with("bothbad")) ++context.notes.counts["both bad (a tie)"];
  if (is_in(kFirst)) return pair_target(1);
  if (is_in(kSecond)) return pair_target(0);
  if (is_in(kTie)) return pair_target(0.5);
  ++context.notes.counts["choices that name neither side nor a tie"];
  return no_target(context);
}

Json meta_of(const Row& row, std::initializer_list<const char*> columns) {
  Json meta;
  for (const char* column : columns)
    if (const Json* cell = find_cell(row, column); cell && !cell->is_binary()) meta[column] = *cell;
  return meta;
}

}  // namespace beholder::data
