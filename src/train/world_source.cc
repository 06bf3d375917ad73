#include "train/world_source.h"

#include "core/format.h"
#include "core/rng.h"
#include "judge/prompt.h"
#include "world/sample.h"
#include "world/thought.h"

namespace beholder::train {
namespace {

struct Question {
  int media = 2;
  judge::AnswerKind kind = judge::AnswerKind::kSoft;
};

Question draw_question(Rng& rng, const WorldDataConfig& config, const std::string& mix) {
  constexpr Question kSingle{1, judge::AnswerKind::kScore};
  const double u = rng.uniform();
  if (mix == "single" || u < config.pair_single_share) return kSingle;
  if (u < config.pair_single_share + config.pair_score_share) return {2, judge::AnswerKind::kScore};
  if (u < config.pair_single_share + config.pair_score_share + config.pair_triple_share) return {3, judge::AnswerKind::kSelect};
  return {2, judge::AnswerKind::kSoft};
}

std::vector<vlm::Media> render_media(const world::Item& item, const media::PatchConfig& patches) {
  std::vector<vlm::Media> out;
  if (item.is_video()) {
    for (const auto& frames : world::render_item_frames(item)) out.push_back(judge::prepare_video(frames, world::kVideoFps, patches));
  } else {
    for (const media::Image& image : world::render_item(item)) out.push_back(judge::prepare_image(image, patches));
  }
  return out;
}

}  // namespace

WorldSource::WorldSource(const WorldDataConfig& config, world::Split split, const judge::JudgeSpec& spec, std::uint64_t seed)
    : config_(config), split_(split), spec_(spec), seed_(seed) {}

std::size_t WorldSource::stage(std::int64_t step) const {
  double end = 0;
  for (std::size_t s = 0; s + 1 < config_.stage_steps.size(); ++s)
    if (static_cast<double>(step) < (end += config_.stage_steps[s])) return s;
  return config_.stage_steps.size() - 1;
}

SftExample WorldSource::example(std::int64_t step, std::int64_t index) const {
  const std::size_t stage_now = stage(step);
  const std::uint64_t batch = split_ == world::Split::kTrain ? static_cast<std::uint64_t>(step) : stage_now;
  Rng rng(seed_, stable_hash("sft batch"), batch, static_cast<std::uint64_t>(index));
  const Question question = draw_question(rng, config_, config_.stage_mix[stage_now]);
  const world::WorldConfig world{.seed = config_.seed, .media = std::max(2, question.media), .video = rng.chance(config_.video_share)};
  const std::uint64_t number = rng.bits64() >> 12;  // of so many that none comes twice
  const world::Item item = question.media == 1 ? world::make_single(world, split_, number) : world::make_item(world, split_, number);
  const std::string answer = question.kind == judge::AnswerKind::kScore ? format("{}", fmt::join(world::naive_scores(item), " "))
                                                                        : world::naive_answer(item, seed_);
  return make_example(spec_, item.id, render_media(item, spec_.patches), item.prompt.text(), question.kind,
                      judge::completion_text(world::reference_thought(item), answer));
}

}  // namespace beholder::train
