// Which files of a folder hold records, which are archives, and where the media they name lie.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace beholder::data {

// Why a file is left out that tells what another one tells.
inline constexpr std::string_view kTwin = "metadata-*.parquet says the same";

struct DatasetFiles {
  std::string root;                                          // the folder
  std::vector<std::string> tables;                           // in order of name
  std::map<std::string, std::vector<std::string>> archives;  // name -> its parts in order
  std::map<std::string, std::string> left_out;               // file -> why
};

// `path`: a file of records, an archive, or a folder, searched with everything below it. `split`: only files whose name or folder
// has this word ("train" of "data/train-00000-of-00010.parquet"); empty: all. kNotFound where nothing is left.
DatasetFiles list_dataset(const std::string& path, const std::string& split = {});

// The split words (train, validation, test…) that stand in the tables' names.
std::vector<std::string> splits_of(const DatasetFiles& files);

// Where the media of a table may lie: its folder and the data set's, and those below them that are named like media ("images") or
// like the table's split, never another split's.
std::vector<std::string> media_roots(const DatasetFiles& files, const std::string& table);

// Turns the path a row names into one that can be opened.
class MediaFinder {
 public:
  // Folders to look in, best first. A root "…/images/train_1" also serves the path "images/train_1/x.webp".
  void set_roots(const std::vector<std::string>& roots);
  // A file that is not on the disk (it is in an archive) counts as being there.
  void add_virtual(const std::string& path);

  // The path itself where it is absolute; else where it was found; else below the first root, where it is not.
  std::string find(const std::string& path);
  bool is_virtual(const std::string& path) const;

 private:
  bool exists(const std::string& path) const;
  std::vector<std::string> candidates(const std::string& path) const;
  std::vector<std::string> roots_;
  std::unordered_set<std::uint64_t> virtual_;
  std::size_t last_ = 0;  // the candidate that was right the last time
};

}  // namespace beholder::data
