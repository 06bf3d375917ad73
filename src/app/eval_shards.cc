#include "app/eval_shards.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/progress.h"
#include "data/shard.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kStem = "verdicts-";

std::vector<std::string> shard_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kStem) && name.ends_with(".jsonl")) files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Whole lines by id; the first of an id counts.
void take_lines(const std::string& path, std::unordered_map<std::string, std::string>& lines) {
  std::ifstream in(path, std::ios::binary);
  std::int64_t bad = 0;
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool good = !in.eof() && json.is_object() && json.contains("id") && json["id"].is_string();
    if (good)
      lines.try_emplace(json["id"].get<std::string>(), line);
    else
      ++bad;
  }
  if (bad > 0) log_warning(format("{}: {} lines are no verdicts and are left out; their pairs are asked again", path, bad));
}

}  // namespace

std::string shard_verdicts(const std::string& folder, const std::string& shard) {
  const data::Shard part = data::parse_shard(shard, "--shard");
  return format("{}/{}{}-of-{}.jsonl", folder, kStem, part.index, part.count);
}

std::size_t merge_shards(const std::string& folder, const std::vector<std::string>& ids) {
  const std::vector<std::string> files = shard_files(folder);
  if (files.empty()) return 0;
  const std::string whole = folder + "/verdicts.jsonl";
  std::unordered_map<std::string, std::string> lines;
  if (fs::exists(whole)) take_lines(whole, lines);
  const std::size_t before = lines.size();
  for (const std::string& file : files) take_lines(file, lines);
  std::string text;
  std::size_t found = 0;
  for (const std::string& id : ids) {
    const auto line = lines.find(id);
    if (line == lines.end()) continue;
    text += line->second + "\n";
    ++found;
  }
  if (found != lines.size())
    throw Error(Code::kInvalidInput, folder, format("{} verdicts are about pairs of other records", lines.size() - found),
                "use the shards of one evaluation, or another --output-dir");
  if (found > before) write_file_atomic(whole, text);
  log_info(format("{} verdicts from {} shards; {} of {} pairs are there", found - before, files.size(), found, ids.size()));
  return found - before;
}

}  // namespace beholder::app
