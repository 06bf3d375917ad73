#include "train/model_card.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/format.h"
#include "core/progress.h"
#include "data/mixture.h"

namespace beholder::train {
namespace {

struct CurvePoint {
  std::int64_t step = 0;
  Json train, eval;
};

std::vector<CurvePoint> read_curve(const std::string& path) {
  std::vector<CurvePoint> points;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step")) continue;
    const auto step = json["step"].get<std::int64_t>();
    if (points.empty() || points.back().step != step) points.push_back({.step = step, .train = {}, .eval = {}});
    (json.contains("eval_loss") ? points.back().eval : points.back().train) = json;
  }
  return points;
}

std::string cell(const Json& line, const char* key) {
  return line.is_object() && line.contains(key) && line[key].is_number() ? format("{:.4f}", line[key].get<double>()) : "";
}

// At most `rows` points, evenly spread, always with the last; of those with an evaluation where there are any.
std::string curve_table(std::vector<CurvePoint> points) {
  constexpr std::size_t kRows = 12;
  if (std::any_of(points.begin(), points.end(), [](const CurvePoint& p) { return p.eval.is_object(); }))
    std::erase_if(points, [](const CurvePoint& p) { return !p.eval.is_object(); });
  if (points.empty()) return "No metrics were logged.\n";
  std::string out = "| step | loss | token accuracy | validation loss | validation token accuracy |\n|---|---|---|---|---|\n";
  const std::size_t rows = std::min(kRows, points.size());
  for (std::size_t i = 1; i <= rows; ++i) {
    const CurvePoint& p = points[i * points.size() / rows - 1];
    out += format("| {} | {} | {} | {} | {} |\n", p.step, cell(p.train, "loss"), cell(p.train, "mean_token_accuracy"),
                  cell(p.eval, "eval_loss"), cell(p.eval, "eval_mean_token_accuracy"));
  }
  return out;
}

// A card is read elsewhere: a local file is called by its name, without this machine's folders.
std::string shown(const std::string& name) {
  if (!std::filesystem::exists(name)) return name;
  const auto path = std::filesystem::absolute(name).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename();
}

// The same for each part of a mixture.
std::string shown_data(const std::string& text) {
  if (text.empty()) return text;
  const std::vector<data::MixturePart> parts = data::parse_mixture(text);
  if (parts.size() == 1) return shown(parts[0].path);
  std::string out;
  for (const data::MixturePart& part : parts) out += format("{}{} * {}", out.empty() ? "" : " + ", shown(part.path), part.weight);
  return out;
}

Json recipe(const SftConfig& config) {
  SftConfig copy = config;
  copy.model = shown(config.model);
  copy.data = shown_data(config.data);
  copy.eval_data = shown_data(config.eval_data);
  return numeric_config(copy);
}

std::string front_matter(const CardInfo& info) {
  std::string out = "---\nlibrary_name: transformers\npipeline_tag: image-text-to-text\n";
  if (!info.config.model.empty() && !std::filesystem::exists(info.config.model)) out += format("base_model: {}\n", info.config.model);
  return out + "tags:\n- beholder\n- preference-judge\n- sft\n---\n";
}

}  // namespace

std::string model_card(const CardInfo& info) {
  const SftConfig& c = info.config;
  const Json& versions = info.run.at("versions");
  const std::string start = c.model.empty() ? "weights drawn at random" : format("`{}`", shown(c.model));
  const std::string data = c.data.empty() ? "the embedded synthetic world (generated pictures and videos, no photographs)"
                                          : format("records of `{}`", shown(c.data));
  return front_matter(info) +
         format(
             "\n# A judge of generated media ({}, {} parameters)\n\n"
             "Says which of several images or videos people would prefer for a prompt: it thinks inside `<think> </think>`, then answers "
             "inside "
             "`<answer> </answer>`.\nSupervised fine-tuning from {} on {}.\n\n"
             "    beholder rank --model . --prompt \"a red circle left of a blue square\" a.png b.png\n\n"
             "## Training\n\n{} updates of {} examples, peak learning rate {} ({}), seed {}. Beholder {}, revision {}, LibTorch {}.\n\n{}\n"
             "Losses are cross-entropy per completion token; validation is one fixed held-out batch.\n\n## Recipe\n\n```json\n{}\n```\n",
             info.family, human_count(static_cast<double>(info.parameters)), start, data, c.max_steps, c.batch_size(), c.learning_rate,
             c.lr_scheduler_type, c.seed, versions.value("beholder", ""), versions.value("git_revision", ""),
             versions.value("libtorch", ""), curve_table(read_curve(info.metrics_path)), recipe(c).dump(1));
}

}  // namespace beholder::train
