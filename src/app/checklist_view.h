// Checklists for people at a terminal, made from the JSON that --json prints.
#pragma once

#include <string>

#include "app/terminal.h"
#include "core/json.h"

namespace beholder::app {

// A score with a bar per dimension, from the least to the most that the dimension can bring.
std::string show_checklist_score(const Json& record, const ViewStyle& style);
// Two sides, what each dimension says, and the questions that decided.
std::string show_checklist_choice(const Json& record, const ViewStyle& style);
// Weights with intervals, largest first, and what was measured.
std::string show_checklist_fit(const Json& fit, const ViewStyle& style);
// Dimensions, sub-dimensions, levels; weights where there are some.
std::string show_checklist_tree(const Json& tree, const ViewStyle& style);

}  // namespace beholder::app
