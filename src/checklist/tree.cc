#include "checklist/tree.h"

#include <algorithm>

#include "core/error.h"

namespace beholder::checklist {
namespace {

Json question_json(const Checklist& list, const Feature& feature) {
  Json out{{"question", feature_text(list, feature)}};
  if (feature.question >= 0 && !list.questions[static_cast<std::size_t>(feature.question)].level.empty())
    out["level"] = list.questions[static_cast<std::size_t>(feature.question)].level;
  return out;
}

}  // namespace

Json tree_record(const Checklist& list, std::span<const double> coef) {
  const std::vector<Feature> features = features_of(list);
  require_internal(coef.empty() || coef.size() == features.size(), "a weight per feature");
  Json out{{"title", list.title}, {"media", list.media}, {"count", list.questions.size() + (list.has_alignment() ? 1 : 0)}};
  out["presence"] = Json::array();
  for (const Mask& m : list.masks)
    out["presence"].push_back({{"id", m.id}, {"question", list.questions[static_cast<std::size_t>(m.question)].text}});
  out["dimensions"] = Json::array();
  for (const std::string& name : list.dimensions) out["dimensions"].push_back({{"name", name}, {"subs", Json::array()}});
  for (std::size_t s = 0; s < list.subs.size(); ++s) {
    Json sub{{"name", list.subs[s].name}};
    Json questions = Json::array();
    for (std::size_t i = 0; i < features.size(); ++i) {
      if (features[i].sub != static_cast<int>(s)) continue;
      questions.push_back(question_json(list, features[i]));
      if (!coef.empty()) questions.back()["weight"] = coef[i];
      for (const Mask& m : list.masks)
        if (std::find(m.dependants.begin(), m.dependants.end(), features[i].question) != m.dependants.end()) sub["needs"] = m.id;
    }
    sub["questions"] = std::move(questions);
    out["dimensions"][static_cast<std::size_t>(list.subs[s].dimension)]["subs"].push_back(std::move(sub));
  }
  return out;
}

}  // namespace beholder::checklist
