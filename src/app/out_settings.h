// What a file of answers was made with, kept beside it, so that another run is not continued in it.
#pragma once

#include <string>

#include "core/json.h"

namespace beholder::app {

// A checkpoint's identity without reading all of it: names and sizes of its files, the whole of small ones and both ends of large ones (of
// an adapter its base's, too).
std::string checkpoint_mark(const std::string& dir);

// OUT.settings, as JSON: written for a new file. For one that is continued kUsage, naming what differs; where it is missing there (answers
// of an older version) that is warned about.
void keep_settings(const std::string& out, const Json& settings, bool continued);

}  // namespace beholder::app
