#include "data/keys.h"

#include <cctype>

#include "core/error.h"
#include "core/rng.h"
#include "data/archive_media.h"
#include "data/media_check.h"

namespace beholder::data {

std::uint64_t prompt_key(std::string_view prompt) {
  std::string words;
  bool gap = false;
  for (const char c : prompt) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isspace(byte)) {
      gap = true;
      continue;
    }
    if (gap && !words.empty()) words.push_back(' ');
    gap = false;
    words.push_back(static_cast<char>(std::tolower(byte)));
  }
  while (!words.empty() && std::ispunct(static_cast<unsigned char>(words.back()))) words.pop_back();
  return stable_hash(words);
}

std::uint64_t media_key(const MediaRef& ref) {
  try {
    std::uint64_t key = stable_hash(*media_bytes(ref));
    for (std::size_t i = 1; i < ref.frames.size(); ++i) key = mix_keys(key, stable_hash(*media_bytes({.path = ref.frames[i]})));
    return key;
  } catch (const Error&) {  // not there: whoever reads it says so
    return stable_hash(ref.name());
  }
}

DataKeys keys_of(const std::string& path, const DatasetOptions& options) {
  DataKeys keys;
  const std::unique_ptr<RecordStream> source = open_records(path, options);
  auto* set = dynamic_cast<Dataset*>(source.get());
  if (set) read_archives(*set, {});
  const auto key = [&](const MediaRef& ref) {
    const auto archived = set && !ref.bytes ? set->finder().virtual_content(ref.path) : std::nullopt;
    return archived ? *archived : media_key(ref);
  };
  while (const std::optional<Line> line = source->next()) {
    if (!line->record) continue;
    keys.prompts.insert(prompt_key(line->record->prompt));
    for (const MediaRef& ref : line->record->media) keys.media.insert(key(ref));
  }
  return keys;
}

}  // namespace beholder::data
