// Which files of a folder hold records, which are archives, and where the media they name lie.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beholder::data {

// Why a file is left out that tells what another one tells.
inline constexpr std::string_view kTwin = "metadata-*.parquet says the same";

struct DatasetFiles {
  std::string root;                                          // the folder
  std::vector<std::string> tables;                           // in order of name
  std::map<std::string, std::vector<std::string>> archives;  // name -> its parts in order
  std::map<std::string, std::string> left_out;               // file -> why
  bool twins = false;                                        // metadata-*.parquet lists what the archives list, too
};

// `path`: a file of records, an archive, or a folder, searched with everything below it. kNotFound where nothing is left.
DatasetFiles list_dataset(const std::string& path);

// Those of `tables`, below `root`, that belong to `split`: their file's name without its number ("test_v1" of
// "test_v1-00000-of-00002.parquet") or one of their folders is called so; where none is, those that have it as a word ("train" of
// "train_0001.parquet"). Empty: all.
std::vector<std::string> tables_of_split(const std::vector<std::string>& tables, const std::string& root, const std::string& split);
// The splits (train, validation, test, test_v1…) that stand in the tables' names.
std::vector<std::string> splits_of(const std::vector<std::string>& tables, const std::string& root);
// Whether a table belongs to a training split, by the words of its name.
bool is_training_table(const std::string& table, const std::string& root);

// Where the media of a table may lie: its folder and the data set's, and those below them that are named like media ("images") or
// like the table's split, never another split's.
std::vector<std::string> media_roots(const DatasetFiles& files, const std::string& table);

// Turns the path a row names into one that can be opened.
class MediaFinder {
 public:
  // Folders to look in, best first. A root "…/images/train_1" also serves the path "images/train_1/x.webp", and has it as
  // "train_1/x.webp" where it is an archive with a folder of its own name.
  void set_roots(const std::vector<std::string>& roots);
  // A file that is not on the disk (it is in an archive) counts as being there; `content`: the hash of its bytes.
  void add_virtual(const std::string& path, std::uint64_t content);

  // The path itself where it is absolute; else where it was found; else below the first root, where it is not.
  std::string find(const std::string& path);
  // The hash of a file in an archive; nothing for others.
  std::optional<std::uint64_t> virtual_content(const std::string& path) const;

 private:
  bool exists(const std::string& path) const;
  std::string candidate(std::size_t place, const std::string& path) const;
  std::vector<std::string> roots_;
  std::unordered_map<std::uint64_t, std::uint64_t> virtual_;
  std::size_t last_ = 0;  // the candidate that was right the last time
};

}  // namespace beholder::data
