// One medium in a row of pictures: its image or frames as figures, or why it cannot be shown.
#pragma once

#include <string>

#include "report/picture.h"

namespace beholder::report {

// `name` is what is written, `path` the file; no side exceeds `side_px`.
std::string media_figures(const std::string& name, const std::string& path, int side_px = 180);
std::string media_figures(const std::string& name, const Picture& picture);

}  // namespace beholder::report
