// Folders of candidates as records: every picture and video in them, each with the prompt that stands beside it.
//   out/7/a.png   its prompt is in out/7/a.txt, else in out/7/prompt.txt, else in the nearest prompt.txt above it (not above the
//                 folder that was named)
// A file counts as a picture or video by its first bytes; by its name, too, so that a broken one is reported and not passed over.
// Order: by name, folder by folder. Memory: the names of the folders that lead to the one at hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/stream.h"

namespace beholder::data {

inline constexpr const char* kFolderPrompt = "prompt.txt";

// A record's id is the file's path, its one medium that file. A file without a prompt is a record with an empty one. Hidden files,
// text files and files of other kinds are no lines; notes() counts "other files" and "unreadable folders", each of which is warned of once
// in a program. A file whose prompt stands in a text that cannot be read is a line with an error.
class MediaTree : public RecordStream {
 public:
  // Files and folders. kNotFound where one is not there.
  explicit MediaTree(std::vector<std::string> operands);

  // What to say of a record that has no prompt.
  static Error no_prompt(const std::string& path);

  std::optional<Line> next() override;
  std::int64_t position() const override { return position_; }
  Notes notes() const override { return notes_; }

 private:
  // Of prompt.txt in a folder or above.
  struct FolderPrompt {
    std::string text;     // empty: none
    std::string problem;  // why it cannot be read
  };
  struct Folder {
    std::string path, real;          // as named; without links
    std::vector<std::string> names;  // sorted
    std::size_t at = 0;
    FolderPrompt prompt;
  };
  static FolderPrompt prompt_of(const std::string& folder, const FolderPrompt& above);
  void enter(const std::string& path, const FolderPrompt& above);
  bool visit(Folder& folder, const std::string& name, Line& line);
  void read_file_line(const std::string& path, const FolderPrompt& of_folder, Line& line);

  std::vector<std::string> operands_;
  std::size_t operand_ = 0;
  std::vector<Folder> stack_;
  std::int64_t position_ = 0;
  Notes notes_;
};

}  // namespace beholder::data
