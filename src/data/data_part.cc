#include "data/data_part.h"

#include <filesystem>

#include "core/error.h"
#include "core/format.h"

namespace beholder::data {
namespace {

std::string without_spaces_around(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string& option_called(const std::string& key, DatasetOptions& options, const std::string& whole) {
  if (key == "split") return options.split;
  if (key == "aspect") return options.mapping.aspect;
  if (key == "format") return options.format;
  if (key == "media_root") return options.media_root;
  throw Error(Code::kUsage, whole, format("there is no \"{}\" to choose of a data set", key),
              "write PATH[split=train,aspect=TA]; format and media_root may stand there, too");
}

}  // namespace

DataPart parse_data_part(const std::string& text, const DatasetOptions& options) {
  DataPart part{text, options};
  std::error_code ignored;
  const std::size_t open = text.rfind('[');
  if (!text.ends_with(']') || open == std::string::npos || open == 0 || std::filesystem::exists(text, ignored)) return part;
  part.path = without_spaces_around(text.substr(0, open));
  part.chosen = true;
  const std::string inside = text.substr(open + 1, text.size() - open - 2);
  for (std::size_t begin = 0; begin <= inside.size();) {
    const std::size_t end = std::min(inside.find(',', begin), inside.size());
    const std::string item = inside.substr(begin, end - begin);
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string key = without_spaces_around(item.substr(0, equals));
    const std::string value = equals == item.size() ? std::string() : without_spaces_around(item.substr(equals + 1));
    std::string& option = option_called(key, part.options, text);
    if (value.empty()) throw Error(Code::kUsage, text, format("\"{}\" has no value", key), "write PATH[split=train,aspect=TA]");
    option = value;
    begin = end + 1;
  }
  return part;
}

}  // namespace beholder::data
