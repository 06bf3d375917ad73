// What a file of results was made with, kept beside it, so that another run is not continued in it.
#pragma once

#include <functional>
#include <string>

#include "core/json.h"

namespace beholder::app {

// A checkpoint's identity without reading all of it: names and sizes of its files, the whole of small ones and both ends of large ones (of
// an adapter its base's, too).
std::string checkpoint_mark(const std::string& dir);
std::string named_mark(const std::string& dir);  // "folder (beginning of its mark)", to be shown

// OUT.settings, as JSON: written for a new file. For one that is continued kUsage, naming what differs; where it is missing there (results
// of an older version, or of several programs) that is warned about, and nobody asks for
// the settings.
void keep_settings(const std::string& out, const std::function<Json()>& settings, bool continued);

}  // namespace beholder::app
