#include "train/model_card.h"

#include <filesystem>
#include <vector>

#include "core/format.h"
#include "core/progress.h"
#include "data/data_part.h"
#include "data/mixture.h"
#include "train/card_parts.h"

namespace beholder::train {
namespace {

// shown_name of a part's path, with the split and aspect that were chosen of it.
std::string shown_part(const std::string& text) {
  const data::DataPart part = data::parse_data_part(text);
  std::string chosen;
  if (!part.options.split.empty()) chosen += "split=" + part.options.split;
  if (!part.options.mapping.aspect.empty()) chosen += (chosen.empty() ? "aspect=" : ",aspect=") + part.options.mapping.aspect;
  return shown_name(part.path) + (chosen.empty() ? chosen : "[" + chosen + "]");
}

// The same for each part of a mixture.
std::string shown_data(const std::string& text) {
  if (text.empty()) return text;
  const std::vector<data::MixturePart> parts = data::parse_mixture(text);
  if (parts.size() == 1) return shown_part(parts[0].path);
  std::string out;
  for (const data::MixturePart& part : parts) out += format("{}{} * {}", out.empty() ? "" : " + ", shown_part(part.path), part.weight);
  return out;
}

Json recipe(const SftConfig& config) {
  SftConfig copy = config;
  copy.model = shown_name(config.model);
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
  const std::string start = c.model.empty() ? "weights drawn at random" : format("`{}`", shown_name(c.model));
  const std::string data = c.data.empty() ? "the embedded synthetic world (generated pictures and videos, no photographs)"
                                          : format("records of `{}`", shown_data(c.data));
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
             versions.value("libtorch", ""),
             curve_table(info.metrics_path, {{"loss", "loss"},
                                             {"token accuracy", "mean_token_accuracy"},
                                             {"validation loss", "eval_loss"},
                                             {"validation token accuracy", "eval_mean_token_accuracy"}}),
             recipe(c).dump(1));
}

}  // namespace beholder::train
