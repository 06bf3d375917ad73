// What the user named on the command line, as a list of media files.
#pragma once

#include <string>
#include <vector>

namespace beholder::app {

// Files stay as they are; a folder becomes the images and videos in it (not deeper), by name; a pattern with * ? [ ] that
// is no file itself is expanded here, for shells that did not. kNotFound or kInvalidInput where nothing comes of one.
std::vector<std::string> expand_media(const std::vector<std::string>& operands);

// Only the patterns: files and folders stay as they are.
std::vector<std::string> expand_patterns(const std::vector<std::string>& operands);

}  // namespace beholder::app
