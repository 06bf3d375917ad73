#include "data/dataset_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "data/archive.h"
#include "data/archive_parts.h"
#include "data/rows.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 10> kSplits{"train", "validation", "val",     "dev",         "test",
                                                   "eval",  "regression", "test_v1", "test_unique", "validation_unique"};

constexpr std::string_view kUnreadable = "cannot be read: ";

// Words of a path: letters and digits that stand together.
std::set<std::string> words_of(const std::string& path) {
  std::set<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    const char c = i < path.size() ? path[i] : '/';
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word.push_back(c);
      continue;
    }
    if (!word.empty()) words.insert(word);
    word.clear();
  }
  return words;
}

// What a table may be called as a split: its name without number and extension, and its folders.
std::set<std::string> split_names(const fs::path& relative) {
  std::string stem = relative.stem().string();
  const std::size_t of = stem.find("-of-");
  const std::size_t number = of == std::string::npos ? of : stem.find_last_not_of("0123456789", of - 1);
  if (number != std::string::npos && number + 1 < of && stem[number] == '-') stem.resize(number);  // a hash may follow on the Hub
  std::set<std::string> names{stem};
  for (const fs::path& folder : relative.parent_path()) names.insert(folder.string());
  return names;
}

fs::path relative_to(const std::string& table, const std::string& root) {
  return fs::path(table).lexically_relative(root);
}

// Whether the folder `root` ends with the folders `tail`.
bool ends_with_folders(const std::string& root, const std::string& tail) {
  return root.ends_with(tail) && (root.size() == tail.size() || root[root.size() - tail.size() - 1] == '/');
}

// Files that `datasets` and the Hub write beside the data.
bool is_description(const std::string& name) {
  constexpr std::array<std::string_view, 7> kNames{"split.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json",
                                                   "state.json", "data.json",         "left_out.jsonl"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void take_file(const std::string& path, DatasetFiles& files) {
  const std::string name = fs::path(path).filename().string();
  if (is_archive_path(path))
    files.archives[archive_name(path)].push_back(path);
  else if (is_description(name))
    files.left_out.emplace(path, "describes the data set");
  else if (is_table_path(path))
    files.tables.push_back(path);
}

// Links to folders are not followed. A folder that cannot be read is left out; the top one is an error.
void walk(const std::string& top, DatasetFiles& files) {
  std::vector<std::string> folders{top};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error, ignored;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const std::string path = it->path().string();
      if (it->path().filename().string().starts_with(".")) continue;
      if (it->is_directory(ignored) && !it->is_symlink(ignored))
        folders.push_back(path);
      else if (it->is_regular_file(ignored))
        take_file(path, files);
    }
    if (error && folder == top) throw Error(Code::kInvalidInput, top, error.message(), "make the folder readable");
    if (error) files.left_out.emplace(folder, format("{}{}", kUnreadable, error.message()));
  }
}

// Archives that lie beside the file that was named: those that `wanted` says.
template <class Wanted>
void take_archives_beside(DatasetFiles& files, const Wanted& wanted) {
  std::error_code error, ignored;
  for (fs::directory_iterator it(files.root, error), end; !error && it != end; it.increment(error))
    if (const std::string path = it->path().string(); is_archive_path(path) && it->is_regular_file(ignored) && wanted(path))
      take_file(path, files);
  if (error) files.left_out.emplace(files.root, format("archives in it are not known: {}", error.message()));
}

// "nothing to read", with a folder that may have held something.
Error no_records(const std::string& path, const DatasetFiles& files) {
  for (const auto& [folder, why] : files.left_out)
    if (why.starts_with(kUnreadable))
      return {Code::kNotFound, path, format("holds no file of records, but {} {}", folder, why), "make the folder readable"};
  return {Code::kNotFound, path, "holds no file of records",
          "records are in .parquet, .arrow, .json, .jsonl or .csv files, or in archives of them"};
}

// ImageRewardDB tells everything twice: once per part as JSON, once as metadata-*.parquet.
void leave_out_twins(DatasetFiles& files) {
  const auto is_metadata = [](const std::string& path) {
    return path.ends_with(".parquet") && fs::path(path).filename().string().starts_with("metadata-");
  };
  files.twins = std::any_of(files.tables.begin(), files.tables.end(), is_metadata);
  if (!files.twins) return;
  std::erase_if(files.tables, [&](const std::string& path) {
    const bool twin = path.ends_with(".json") && path.find("/images/") != std::string::npos;
    if (twin) files.left_out.emplace(path, kTwin);
    return twin;
  });
}

}  // namespace

DatasetFiles list_dataset(const std::string& path) {
  std::error_code ignored;
  DatasetFiles files;
  const bool folder = fs::is_directory(path, ignored);
  files.root = folder ? path : fs::path(path).parent_path().string();
  if (files.root.empty()) files.root = std::string(1, '.');
  if (!folder && !fs::exists(path, ignored)) throw Error(Code::kNotFound, path, "no such file or folder", "check the path");
  if (!folder && is_archive_path(path)) {
    const std::string own = (fs::path(files.root) / fs::path(path).filename()).string();
    take_archives_beside(files, [&](const std::string& other) { return archive_name(other) == archive_name(own); });
    if (files.archives.empty()) take_file(own, files);  // the folder cannot be listed
  } else if (!folder) {
    take_archives_beside(files, [](const std::string&) { return true; });  // media of this table may be in them
    files.tables = {path};
  } else {
    walk(path, files);
  }
  leave_out_twins(files);
  std::sort(files.tables.begin(), files.tables.end());
  for (auto& [name, parts] : files.archives) sort_parts(parts);
  if (files.tables.empty() && files.archives.empty()) throw no_records(path, files);
  return files;
}

std::vector<std::string> tables_of_split(const std::vector<std::string>& tables, const std::string& root, const std::string& split) {
  if (split.empty()) return tables;
  std::vector<std::string> called, worded;
  for (const std::string& table : tables) {
    const fs::path relative = relative_to(table, root);
    if (split_names(relative).contains(split)) called.push_back(table);
    if (words_of(relative.string()).contains(split)) worded.push_back(table);
  }
  return called.empty() ? worded : called;
}

std::vector<std::string> splits_of(const std::vector<std::string>& tables, const std::string& root) {
  std::set<std::string> found;
  for (const std::string& table : tables) {
    const fs::path relative = relative_to(table, root);
    const std::set<std::string> names = split_names(relative), words = words_of(relative.string());
    const auto is_called = [&](std::string_view split) { return names.contains(std::string(split)); };
    const bool called = std::any_of(kSplits.begin(), kSplits.end(), is_called);
    for (const std::string_view split : kSplits)
      if (called ? is_called(split) : words.contains(std::string(split))) found.emplace(split);
  }
  return {found.begin(), found.end()};
}

bool is_training_table(const std::string& table, const std::string& root) {
  return words_of(relative_to(table, root).string()).contains("train");
}

std::vector<std::string> media_roots(const DatasetFiles& files, const std::string& table) {
  const std::set<std::string> words = words_of(relative_to(table, files.root).string());
  const bool names_split =
      std::any_of(kSplits.begin(), kSplits.end(), [&](std::string_view split) { return words.contains(std::string(split)); });
  std::vector<std::string> below;
  for (const std::string_view split : kSplits)
    if (!names_split || words.contains(std::string(split))) below.emplace_back(split);
  below.insert(below.end(), {"", "images", "test_images", "videos"});
  std::vector<std::string> roots;
  for (const fs::path& base : {fs::path(table).parent_path(), fs::path(files.root)}) {
    for (const std::string& name : below) {
      const fs::path root = name.empty() ? base : base / name;
      std::error_code ignored;
      if (name.empty() || fs::is_directory(root, ignored)) roots.push_back(root.empty() ? "." : root.string());
    }
  }
  for (const auto& [name, parts] : files.archives) roots.push_back(archive_stem(name));
  return roots;
}

void MediaFinder::set_roots(const std::vector<std::string>& roots) {
  roots_.clear();
  last_ = 0;
  for (const std::string& root : roots) {
    const std::string normal = fs::path(root).lexically_normal().string();
    if (std::find(roots_.begin(), roots_.end(), normal) == roots_.end()) roots_.push_back(normal);
  }
}

void MediaFinder::add_virtual(const std::string& path, std::uint64_t content) {
  virtual_[stable_hash(fs::path(path).lexically_normal().string())] = content;
}

std::optional<std::uint64_t> MediaFinder::virtual_content(const std::string& path) const {
  if (virtual_.empty()) return std::nullopt;
  const auto it = virtual_.find(stable_hash(path));
  return it == virtual_.end() ? std::nullopt : std::optional(it->second);
}

bool MediaFinder::exists(const std::string& path) const {
  std::error_code ignored;
  return virtual_content(path) || fs::exists(path, ignored);
}

// Three places per root: below it; without the leading folders that are the root's own last ones; and the same in a folder of the
// root's name.
std::string MediaFinder::candidate(std::size_t place, const std::string& path) const {
  const fs::path root = roots_[place / 3];
  std::string rest = path;
  if (place % 3 > 0)
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (ends_with_folders(root.string(), path.substr(0, slash))) rest = path.substr(slash + 1);
  return (place % 3 == 2 ? root / root.filename() / rest : root / rest).lexically_normal().string();
}

std::string MediaFinder::find(const std::string& path) {
  if (fs::path(path).is_absolute() || roots_.empty()) return path;
  if (const std::string known = candidate(last_, path); exists(known)) return known;
  for (std::size_t place = 0; place < 3 * roots_.size(); ++place)
    if (std::string found = candidate(place, path); exists(found)) return last_ = place, found;
  return candidate(0, path);
}

}  // namespace beholder::data
