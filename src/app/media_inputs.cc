#include "app/media_inputs.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/format.h"
#include "media/media_info.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> folder_media(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    if (media::is_image_path(path) || media::is_video_path(path)) files.push_back(path);
  }
  if (error) throw Error(Code::kInvalidInput, folder, error.message(), "make the folder readable");
  if (files.empty())
    throw Error(Code::kInvalidInput, folder, "no images or videos in this folder",
                "name a folder with .png, .jpg, .webp, .gif, .avif or video files");
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> pattern_media(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files;
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (files.empty()) throw Error(Code::kNotFound, pattern, "no file fits this pattern", "check the folder and the extension");
  return files;
}

}  // namespace

std::vector<std::string> expand_patterns(const std::vector<std::string>& operands) {
  std::vector<std::string> paths;
  for (const std::string& operand : operands) {
    std::error_code error;
    std::vector<std::string> some{operand};
    if (!fs::exists(operand, error)) {
      if (operand.find_first_of("*?[") == std::string::npos)
        throw Error(Code::kNotFound, operand, "there is no such file", "check the path");
      some = pattern_media(operand);
    }
    paths.insert(paths.end(), some.begin(), some.end());
  }
  return paths;
}

std::vector<std::string> expand_media(const std::vector<std::string>& operands) {
  std::vector<std::string> files;
  for (const std::string& path : expand_patterns(operands)) {
    std::error_code error;
    const std::vector<std::string> some = fs::is_directory(path, error) ? folder_media(path) : std::vector<std::string>{path};
    files.insert(files.end(), some.begin(), some.end());
  }
  return files;
}

}  // namespace beholder::app
