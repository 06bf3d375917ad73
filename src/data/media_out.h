// Pictures that came as bytes, as files named by their content; archives unpacked below a folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset_files.h"
#include "data/record.h"

namespace beholder::data {

class MediaOut {
 public:
  // Files go to `folder`/media.
  explicit MediaOut(std::string folder) : folder_(std::move(folder)) {}

  // Writes the bytes unless a file of this content is there, and makes `ref` a path relative to the folder. `format` as media/
  // names it gives the extension. A medium that is a file becomes absolute, or relative where it lies below the folder.
  void place(MediaRef& ref, const std::string& format);
  // Every member that is no table, below media/unpacked. Returns the folders to look in. A file of the same size is kept.
  std::vector<std::string> unpack(const DatasetFiles& files);

  std::int64_t written() const { return written_; }
  std::int64_t kept() const { return kept_; }
  std::int64_t unpacked() const { return unpacked_; }
  const std::vector<std::string>& refused() const { return refused_; }  // members, with the reason

 private:
  std::string folder_;
  std::int64_t written_ = 0, kept_ = 0, unpacked_ = 0;
  std::vector<std::string> refused_;
};

}  // namespace beholder::data
