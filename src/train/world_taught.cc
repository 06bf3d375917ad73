#include "train/world_taught.h"

#include <algorithm>

#include "core/error.h"
#include "train/world_media.h"

namespace beholder::train {
namespace {

constexpr std::uint64_t kCounted = 2000;  // scenes that the shares of yes are counted on

class WorldTaught : public TaughtSource {
 public:
  WorldTaught(const WorldTaughtOptions& options, world::Split split, const judge::JudgeSpec& spec)
      : options_(options), split_(split), spec_(spec) {
    for (const bool video : {false, true}) {
      const checklist::Checklist list = checklist::load_checklist(video ? "world-video" : "world", "");
      add(list.alignment_question, video);
      for (const checklist::Question& q : list.questions) add(q.text, video);
    }
    for (int k = 0; k < world::kLessonKinds; ++k) kinds_.push_back(static_cast<world::LessonKind>(k));
    for (const world::LessonKind kind : kinds_) kind_names_.emplace_back(world::name_of(kind));
    balance_.emplace(questions_.size());
    for (std::uint64_t i = 0; i < kCounted && !options_.measure_lessons; ++i)
      for (const Known& known : answers(scene("checklist count", i))) balance_->count(known);
  }

  TaughtItem taught(std::int64_t step, std::int64_t index) const override {
    const Rng rng(options_.seed, stable_hash("checklist batch"), static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(index));
    const world::Item item = scene("checklist scene", Rng(rng).bits64() >> 12);
    TaughtItem out = with_medium(item, balance_->draw(answers(item), options_.most_questions, rng));
    Rng drawn(options_.seed, stable_hash("checklist lessons"), static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(index));
    for (const world::Lesson& lesson : world::lessons(item.scenes[0], static_cast<int>(options_.lessons), options_.lesson_kinds, drawn))
      add(lesson, questions_.size(), out);
    return out;
  }
  TaughtItem whole(std::int64_t number) const override {
    const world::Item item = scene("checklist whole", static_cast<std::uint64_t>(number));
    if (!options_.measure_lessons) return with_medium(item, answers(item));
    TaughtItem out = with_medium(item, {});
    Rng drawn(options_.seed, stable_hash("checklist whole lessons"), static_cast<std::uint64_t>(number));
    for (std::size_t k = 0; k < kinds_.size(); ++k)
      if (const auto lesson = world::lesson(item.scenes[0], kinds_[k], drawn)) add(*lesson, k, out);
    if (out.known.empty()) out.problem = "nothing is shown";
    return out;
  }
  const std::vector<std::string>& questions() const override { return options_.measure_lessons ? kind_names_ : questions_; }

 private:
  void add(const std::string& question, bool video) {
    if (std::find(questions_.begin(), questions_.end(), question) == questions_.end()) {
      questions_.push_back(question);
      of_video_only_.push_back(video);
    }
  }

  // Faults come in half of the scenes, so that even a rare kind of answer is there.
  world::Item scene(std::string_view use, std::uint64_t number) const {
    world::WorldConfig config{.seed = options_.world_seed};
    config.video = Rng(options_.seed, stable_hash(use), number).chance(options_.video_share);
    return world::make_single(config, split_, number, world::Odds::kEven);
  }

  std::vector<Known> answers(const world::Item& item) const {
    std::vector<Known> out;
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      if (of_video_only_[q] && !item.is_video()) continue;
      if (const auto yes = world::truth_of(questions_[q], item.prompt, item.scenes[0])) out.push_back({q, *yes});
    }
    return out;
  }

  static void add(const world::Lesson& lesson, std::size_t question, TaughtItem& out) {
    out.asked.questions.push_back(lesson.question);
    out.known.push_back({question, lesson.yes});
  }

  TaughtItem with_medium(const world::Item& item, std::vector<Known> known) const {
    TaughtItem out{.id = item.id};
    out.asked.medium = world_media(item, spec_.patches)[0].media;
    for (const Known& k : known) out.asked.questions.push_back(checklist::ask_about(questions_[k.question], item.prompt.text()));
    out.known = std::move(known);
    return out;
  }

  WorldTaughtOptions options_;
  world::Split split_;
  const judge::JudgeSpec& spec_;
  std::vector<std::string> questions_;
  std::vector<bool> of_video_only_;
  std::vector<world::LessonKind> kinds_;
  std::vector<std::string> kind_names_;
  std::optional<Balance> balance_;
};

}  // namespace

std::unique_ptr<TaughtSource> world_taught(const WorldTaughtOptions& options, world::Split split, const judge::JudgeSpec& spec) {
  return std::make_unique<WorldTaught>(options, split, spec);
}

}  // namespace beholder::train
