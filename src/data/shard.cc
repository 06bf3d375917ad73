#include "data/shard.h"

#include <charconv>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::data {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool Shard::holds(std::string_view id) const {
  return stable_hash(id) % static_cast<std::uint64_t>(count) == static_cast<std::uint64_t>(index - 1);
}

Shard parse_shard(std::string_view text, std::string_view where) {
  if (text.empty()) return {};
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto index = whole_number(text.substr(0, slash));
  const auto count = whole_number(text.substr(std::min(slash + 1, text.size())));
  if (!index || !count || *index < 1 || *count < *index)
    throw Error(Code::kUsage, where, format("\"{}\" is no part of a whole", text), "give i/n with i from 1 to n: 1/4, 2/4, 3/4, 4/4");
  return {*index, *count};
}

std::optional<Line> ShardStream::next() {
  std::optional<Line> line = source_->next();
  while (line && !(line->record ? shard_.holds(line->record->id) : shard_.index == 1)) line = source_->next();
  return line;
}

}  // namespace beholder::data
