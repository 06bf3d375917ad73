// Cells of a row as what a record needs, with errors that name the column.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/format.h"

namespace beholder::data {

// Counted where a task has a picture of its own besides those that are compared.
inline constexpr const char* kSourceNotShown = "source picture not shown (the answers alone are compared)";

// Text, or a number's text. kInvalidInput where the column is missing, null or of another kind.
std::string text_cell(const Row& row, const char* column, const RowContext& context);
// The same, or `fallback` for a missing, null or empty cell.
std::string text_cell_or(const Row& row, const char* column, std::string fallback, const RowContext& context);
// A finite number (or text that is one); nothing for a missing or null cell, for NaN and for empty text.
std::optional<double> number_cell(const Row& row, const char* column, const RowContext& context);

// A path, the bytes themselves, or {"bytes", "path"} as `datasets` stores pictures. kInvalidInput where there is none.
MediaRef media_cell(Row& row, const char* column, const RowContext& context);

// A pair's label. q is the share for medium 1.
Target pair_target(double q, int votes = 0);
// From two shares or counts that are 0 or more; both 0: no target, noted as "no label".
Target share_target(double first, double second, const RowContext& context, bool counts);
// "A"/"B", "left"/"right", "1"/"2", "image 1"…, and words for a tie; upper and lower case alike. A null, an empty cell and any other
// word: no label. kInvalidInput where the column is missing or holds no text.
Target choice_cell(const Row& row, const char* column, const RowContext& context);
// Whether the column is there without a value: nobody said.
bool is_null_cell(const Row& row, const char* column);
// No label: counted.
Target no_target(const RowContext& context);

// {column: value} of those that are there and not null.
Json meta_of(const Row& row, std::initializer_list<const char*> columns);

}  // namespace beholder::data
