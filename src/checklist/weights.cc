#include "checklist/weights.h"

#include <cmath>

#include "checklist/number_words.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder::checklist {
namespace {

double finite(const Json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw Error(Code::kCorrupt, where,
                format("is {}, not a finite number", is_number_word(value) ? value.get<std::string>() : json_line(value)),
                "fit the weights again, or correct it");
  return value.get<double>();
}

std::vector<double> numbers(const Json& list, const std::string& where) {
  if (!list.is_array() || list.empty())
    throw Error(Code::kCorrupt, where, "is not a list of weights", "expected {\"coef\": […], \"intercept\": […]} or a list");
  std::vector<double> out;
  for (const Json& value : list) out.push_back(finite(value, format("{}: weight {}", where, out.size())));
  return out;
}

// The layout whose questions and weights are as many, for the hint.
std::string layout_hint(std::size_t questions, std::size_t weights) {
  struct Known {
    std::size_t questions, weights;
    const char* name;
  };
  for (const Known& k : {Known{59, 55, "visionreward-full"}, Known{30, 28, "visionreward-select"}, Known{29, 29, "visionreward-video"}})
    if (k.questions == questions && k.weights == weights) return format("give --masks {}", k.name);
  for (const char* name : {"image", "video", "world", "world-video"})
    if (features_of(load_checklist(name, "")).size() == weights) return format("--questions {} takes as many", name);
  return "give the weights that were fit to these questions, or their layout with --masks";
}

}  // namespace

Weights read_weights(const std::string& path) {
  const std::string text = read_file(path, std::uint64_t{1} << 26);
  const Json json = parse_json(quoted_number_words(text), path, true);
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
