// Pages about checklists, from the JSON that the checklist commands print (docs/FORMATS.md). Each is one HTML file that needs no other,
// written atomically.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::report {

// Records of `checklist score`: what each dimension and sub-dimension brings. `total`: how many were scored, where these are the first.
void write_checklist_scores(const std::string& path, const std::vector<Json>& records, std::int64_t total);
// A record of `checklist compare`: dimensions side by side and the questions that decided, by how much.
void write_checklist_choice(const std::string& path, const Json& record);
// The tree of `checklist tree`.
void write_checklist_tree(const std::string& path, const Json& tree);
// What `checklist fit` found: weights with intervals, the questions on their own, the learning curve.
void write_checklist_fit(const std::string& path, const Json& fit);

}  // namespace beholder::report
