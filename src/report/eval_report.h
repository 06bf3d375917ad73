// An evaluation as a page, and a leaderboard as a page. This room knows their JSON only (docs/FORMATS.md).
#pragma once

#include <string>

#include "core/json.h"
#include "report/eval_gallery.h"

namespace beholder::report {

// The number with its interval and its rule, published numbers of the same data and protocol (`beside`: [{"name","value","source",
// "kind"}]), reliability, accuracy by gap, votes and listener, what the order of the media does, wins by rank and by model, and the worst
// errors with their pictures (`pictures`, or files) and thoughts. Parts that the result lacks are left out. kResource when it cannot be
// written.
void write_eval_report(const std::string& path, const Json& result, const Json& beside = Json::array(),
                       const GalleryPictures& pictures = {});

// `board`: as eval/leaderboard.h makes it. A table and a plot for each data and protocol; what is not comparable stands apart and says so.
void write_leaderboard(const std::string& path, const Json& board);

}  // namespace beholder::report
