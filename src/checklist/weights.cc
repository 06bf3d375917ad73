#include "checklist/weights.h"

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder::checklist {
namespace {

double finite(const Json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw Error(Code::kCorrupt, where, format("is {}, not a finite number", json_line(value)), "fit the weights again, or correct it");
  return value.get<double>();
}

std::vector<double> numbers(const Json& list, const std::string& where) {
  if (!list.is_array() || list.empty())
    throw Error(Code::kCorrupt, where, "is not a list of weights", "expected {\"coef\": […], \"intercept\": […]} or a list");
  std::vector<double> out;
  for (const Json& value : list) out.push_back(finite(value, format("{}: weight {}", where, out.size())));
  return out;
}

// Python writes NaN and Infinity, for which JSON has no word; the parser's own message would not say so.
void refuse_words(const std::string& text, const std::string& path) {
  for (const char* word : {"NaN", "Infinity"}) {
    const std::size_t at = text.find(word), before = at == text.npos ? at : text.find_last_of("[,:\"", at);
    if (before != text.npos && text[before] != '"')  // a value, not part of a text
      throw Error(Code::kCorrupt, path, format("holds {}", word), "fit the weights again: one of them is not a number");
  }
}

// The layout whose questions and weights are as many, for the hint.
std::string layout_hint(std::size_t questions, std::size_t weights) {
  struct Known {
    std::size_t questions, weights;
    const char* name;
  };
  for (const Known& k : {Known{59, 55, "visionreward-full"}, Known{30, 28, "visionreward-select"}, Known{29, 29, "visionreward-video"}})
    if (k.questions == questions && k.weights == weights) return format("give --masks {}", k.name);
  return "give the weights that were fit to these questions, or their layout with --masks";
}

}  // namespace

Weights read_weights(const std::string& path) {
  const std::string text = read_file(path, std::uint64_t{1} << 26);
  refuse_words(text, path);
  const Json json = parse_json(text, path, true);
  Weights weights;
  weights.mean = json.is_array();
  if (weights.mean) {
    weights.coef = numbers(json, path);
    return weights;
  }
  if (!json.is_object() || !json.contains("coef"))
    throw Error(Code::kCorrupt, path, "holds no weights", "expected {\"coef\": […], \"intercept\": […]} or a list");
  weights.coef = numbers(json["coef"], path);
  if (json.contains("intercept")) {
    const Json& intercept = json["intercept"];
    const bool listed = intercept.is_array() && intercept.size() == 1;
    weights.intercept = finite(listed ? intercept[0] : intercept, path + ": intercept");
  }
  return weights;
}

Checklist load_weighted_checklist(const std::string& questions, const std::string& layout, const Weights& weights) {
  Checklist list = load_checklist(questions, layout);
  const bool plain = layout.empty() && list.masks.empty() && list.subs.size() == 1;
  if (plain && weights.coef.size() == list.questions.size() + 1) list = load_checklist(questions, layout, true);
  const std::size_t wanted = features_of(list).size();
  if (wanted != weights.coef.size())
    throw Error(Code::kUnsupported, questions,
                format("{} questions{} take {} weights, the weight file has {}", list.questions.size(),
                       list.masks.empty() ? "" : format(" ({} of them about presence)", list.masks.size()), wanted, weights.coef.size()),
                layout_hint(list.questions.size(), weights.coef.size()));
  return list;
}

}  // namespace beholder::checklist
