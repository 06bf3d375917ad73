#include <algorithm>
#include <cmath>

#include "checklist/score.h"

namespace beholder::checklist {
namespace {

struct Part {
  double value = 0, low = 0, high = 0;
  void add(double weight, double x, double least) {
    value += weight * x;
    low += std::min(weight * least, weight);
    high += std::max(weight * least, weight);
  }
};

Json to_json(const std::string& name, const Part& part) {
  return {{"name", name}, {"value", part.value}, {"low", part.low}, {"high", part.high}};
}

// The weights as they enter the score: divided by their number where it is a mean.
std::vector<double> effective(const Weights& weights) {
  std::vector<double> out = weights.coef;
  if (weights.mean)
    for (double& w : out) w /= static_cast<double>(weights.coef.size());
  return out;
}

std::vector<Part> parts_of(const Scoring& scoring, const std::vector<double>& values) {
  const std::vector<double> weights = effective(scoring.weights);
  const std::vector<Feature> features = features_of(scoring.list);
  std::vector<Part> parts(scoring.list.subs.size());
  for (std::size_t i = 0; i < features.size(); ++i)
    parts[static_cast<std::size_t>(features[i].sub)].add(weights[i], values[i], features[i].question < 0 ? 0 : -1);
  return parts;
}

Json dimensions(const Checklist& list, const std::vector<Part>& subs) {
  Json out = Json::array();
  for (std::size_t d = 0; d < list.dimensions.size(); ++d) {
    Part all;
    Json inside = Json::array();
    for (std::size_t s = 0; s < subs.size(); ++s) {
      if (list.subs[s].dimension != static_cast<int>(d)) continue;
      all.value += subs[s].value, all.low += subs[s].low, all.high += subs[s].high;
      inside.push_back(to_json(list.subs[s].name, subs[s]));
    }
    Json entry = to_json(list.dimensions[d], all);
    entry["subs"] = std::move(inside);
    out.push_back(std::move(entry));
  }
  return out;
}

Json head(const AnswerSheet& sheet) {
  Json out{{"id", sheet.id}};
  if (!sheet.media.empty()) out["media"] = sheet.media;
  if (!sheet.prompt.empty()) out["prompt"] = sheet.prompt;
  return out;
}

// A question as it was asked; without a prompt as it stands in the list.
std::string asked_text(const Checklist& list, const Feature& feature, const std::string& prompt) {
  const std::string text = feature_text(list, feature);
  return prompt.empty() ? text : ask_about(text, prompt);
}

void largest_first(Json& questions, const char* key) {
  std::stable_sort(questions.begin(), questions.end(),
                   [&](const Json& a, const Json& b) { return std::abs(a[key].get<double>()) > std::abs(b[key].get<double>()); });
}

// What every question with a weight brings; one that does not count has "masked".
Json question_parts(const Scoring& scoring, const AnswerSheet& sheet, const std::vector<double>& values) {
  const std::vector<double> weights = effective(scoring.weights);
  const std::vector<bool> counts = counting(scoring.list, sheet);
  const std::vector<Feature> features = features_of(scoring.list);
  Json out = Json::array();
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (weights[i] == 0) continue;
    const SubDimension& sub = scoring.list.subs[static_cast<std::size_t>(features[i].sub)];
    Json entry{{"question", asked_text(scoring.list, features[i], sheet.prompt)},
               {"dimension", scoring.list.dimensions[static_cast<std::size_t>(sub.dimension)]},
               {"answer", values[i]},
               {"value", weights[i] * values[i]}};
    if (!counts[i]) entry["masked"] = true;
    out.push_back(std::move(entry));
  }
  largest_first(out, "value");
  return out;
}

Json decisive_questions(const Scoring& scoring, const std::vector<double>& first, const std::vector<double>& second,
                        const std::string& prompt) {
  const std::vector<Feature> features = features_of(scoring.list);
  Json out = Json::array();
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double d = (first[i] - second[i]) * scoring.weights.coef[i];
    if (d == 0) continue;
    const SubDimension& sub = scoring.list.subs[static_cast<std::size_t>(features[i].sub)];
    out.push_back({{"question", asked_text(scoring.list, features[i], prompt)},
                   {"dimension", scoring.list.dimensions[static_cast<std::size_t>(sub.dimension)]},
                   {"first", first[i]},
                   {"second", second[i]},
                   {"difference", d}});
  }
  largest_first(out, "difference");
  return out;
}

}  // namespace

Json score_record(const Scoring& scoring, const AnswerSheet& sheet) {
  const std::vector<double> values = values_of(scoring.list, sheet, scoring.coding);
  Json out = head(sheet);
  out["score"] = score(scoring.weights, values);
  if (scoring.list.has_alignment()) out["alignment"] = sheet.alignment;
  out["dimensions"] = dimensions(scoring.list, parts_of(scoring, values));
  out["questions"] = question_parts(scoring, sheet, values);
  out["unanswered"] = sheet.unanswered;
  return out;
}

Json compare_record(const Scoring& scoring, const AnswerSheet& first, const AnswerSheet& second) {
  const std::vector<double> a = values_of(scoring.list, first, scoring.coding), b = values_of(scoring.list, second, scoring.coding);
  const double d = difference(scoring.weights, a, b);
  Json out{{"first", first.name()}, {"second", second.name()}};
  if (!first.prompt.empty()) out["prompt"] = first.prompt;
  out["choice"] = d > 0 ? 1 : 2;
  out["tie"] = d == 0;
  out["difference"] = d;
  out["probability"] = 1 / (1 + std::exp(-d));
  if (scoring.weights.mean) out["mean_of"] = scoring.weights.coef.size();  // scores are means, the difference is a sum
  out["scores"] = {score(scoring.weights, a), score(scoring.weights, b)};
  Json parts = Json::array();
  const Json one = dimensions(scoring.list, parts_of(scoring, a)), two = dimensions(scoring.list, parts_of(scoring, b));
  const double scale = scoring.weights.mean ? static_cast<double>(scoring.weights.coef.size()) : 1;  // `difference` is a sum in both forms
  for (std::size_t i = 0; i < one.size(); ++i) {
    const double x = scale * one[i]["value"].get<double>(), y = scale * two[i]["value"].get<double>();
    parts.push_back({{"name", one[i]["name"]}, {"first", x}, {"second", y}, {"difference", x - y}});
  }
  out["dimensions"] = std::move(parts);
  out["questions"] = decisive_questions(scoring, a, b, first.prompt == second.prompt ? first.prompt : std::string());
  out["unanswered"] = first.unanswered + second.unanswered;
  return out;
}

}  // namespace beholder::checklist
