#include "train/completions.h"

#include <cmath>
#include <filesystem>

#include "core/file.h"
#include "core/format.h"

namespace beholder::train {
namespace {

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

}  // namespace

std::string completion_lines(std::int64_t step, const RolloutBatch& batch, const std::vector<std::string>& reward_names) {
  std::string text;
  for (const Group& group : batch.groups)
    for (const Sample& sample : group.samples) {
      const judge::Vote& vote = sample.vote;
      Json rewards = Json::object();
      for (std::size_t k = 0; k < reward_names.size(); ++k) rewards[reward_names[k]] = number_or_null(sample.rewards[k]);
      text += json_line({{"step", step},
                         {"id", group.item.id},
                         {"prompt", group.item.prompt},
                         {"media", {group.media[0].name, group.media[1].name}},
                         {"q", group.item.q},
                         {"completion", vote.text},
                         {"parsed", vote.verdict.parsed},
                         {"problem", vote.verdict.problem},
                         {"choice", drawn_choice(vote)},
                         {"p", vote.p.size() == 2 ? Json(vote.p[0]) : Json()},
                         {"listener", sample.listener ? Json(*sample.listener) : Json()},
                         {"rewards", rewards},
                         {"advantage", sample.advantage},
                         {"tokens", vote.tokens}}) +
              "\n";
    }
  return text;
}

void write_completions(const std::string& output_dir, std::int64_t step, const std::string& lines) {
  const std::string dir = output_dir + "/completions";
  std::filesystem::create_directories(dir);
  write_file_atomic(format("{}/step-{:06}.jsonl", dir, step), lines);
}

}  // namespace beholder::train
