// Results of the judge for people at a terminal: tables with bars, and the thought behind the winner. They are made from
// the same JSON that --json prints. Colour only on a terminal without NO_COLOR; ASCII where the locale is not UTF-8.
#pragma once

#include <string>

#include "app/terminal.h"
#include "core/json.h"

namespace beholder::app {

std::string show_ranking(const Json& ranking, const ViewStyle& style);
std::string show_comparison(const Json& comparison, const ViewStyle& style);
std::string show_scores(const Json& scores, const ViewStyle& style);
// Of many: a line per medium, or why there is none.
std::string show_score_lines(const Json& scores, const ViewStyle& style);

}  // namespace beholder::app
