#include "train/world_source.h"

#include "core/format.h"
#include "core/rng.h"
#include "judge/answer.h"
#include "train/world_media.h"
#include "world/sample.h"
#include "world/thought.h"

namespace beholder::train {
namespace {

struct Drawn {
  int media = 2;
  judge::AnswerKind kind = judge::AnswerKind::kSoft;
};

Drawn draw_question(Rng& rng, const WorldDataConfig& config, const std::string& mix) {
  constexpr Drawn kSingle{1, judge::AnswerKind::kScore};
  const double u = rng.uniform();
  if (mix == "vote") return {2, judge::AnswerKind::kSoft};
  if (mix != "pair" || u < config.pair_single_share) return kSingle;
  if (u < config.pair_single_share + config.pair_score_share) return {2, judge::AnswerKind::kScore};
  if (u < config.pair_single_share + config.pair_score_share + config.pair_triple_share) return {3, judge::AnswerKind::kSelect};
  return {2, judge::AnswerKind::kSoft};
}

// A picture and what it shows, nothing else: no system message, no question, no prompt to guess from. Most of its tokens must be
// seen to be known, and it is a third as long.
SftExample caption_example(const judge::JudgeSpec& spec, const world::Item& item) {
  std::vector<judge::Medium> media = world_media(item, spec.patches);
  const vlm::Media& medium = media[0].media;
  const std::int64_t merge = spec.config.vision.spatial_merge_size;
  SftExample example{.id = item.id};
  std::vector<std::int64_t>& ids = example.segment.ids;
  ids = {spec.config.vision_start_token_id};
  ids.insert(ids.end(), static_cast<std::size_t>(medium.t * medium.h * medium.w / (merge * merge)),
             medium.video ? spec.config.video_token_id : spec.config.image_token_id);
  ids.push_back(spec.config.vision_end_token_id);
  example.completion_begin = std::ssize(ids);
  for (const std::int64_t token : spec.tokenizer.encode(world::caption(item), hf::Specials::kPlain)) ids.push_back(token);
  example.segment.media = {medium};
  return example;
}

// What the question is taught to be answered with: the naive rule, or the voters where the mix asks for them and they did not tie.
std::string answer_of(const world::Item& item, judge::AnswerKind kind, const std::string& mix, std::uint64_t seed) {
  if (kind == judge::AnswerKind::kScore) return format("{}", fmt::join(world::naive_scores(item), " "));
  if (mix == "vote" && item.share() != 0.5) return std::to_string(item.share() > 0.5 ? 1 : 2);
  return world::naive_answer(item, seed);
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
  const std::string& mix = config_.stage_mix[stage_now];
  const Drawn question = draw_question(rng, config_, mix);
  const world::WorldConfig world{.seed = config_.seed, .media = std::max(2, question.media), .video = rng.chance(config_.video_share)};
  const std::uint64_t number = rng.bits64() >> 12;  // of so many that none comes twice
  // Beside pairs, whose faults come as often as generators make them, single pictures keep the comparison with the prompt alive.
  const world::Odds odds = mix == "caption" ? world::Odds::kTelltale : world::Odds::kEven;
  const world::Item item = question.media == 1 ? world::make_single(world, split_, number, odds) : world::make_item(world, split_, number);
  if (mix == "caption") return caption_example(spec_, item);
  const std::string answer = answer_of(item, question.kind, mix, seed_);
  std::vector<vlm::Media> media;
  for (judge::Medium& medium : world_media(item, spec_.patches)) media.push_back(std::move(medium.media));
  return make_example(spec_, item.id, media, item.prompt.text(), question.kind,
                      judge::completion_text(world::reference_thought(item), answer));
}

}  // namespace beholder::train
