#include "world/checker.h"

#include <algorithm>
#include <cmath>

#include "world/reader.h"

namespace beholder::world {
namespace {

// The truth as the checker itself reads it off the scene; it does not ask defects_of.
int number_of(const Scene& scene, const Thing& thing) {
  return static_cast<int>(std::count_if(scene.objects.begin(), scene.objects.end(), [&](const Object& o) { return o.thing == thing; }));
}

const Object* shown(const Scene& scene, Shape shape) {
  const auto found = std::find_if(scene.objects.begin(), scene.objects.end(), [&](const Object& o) { return o.thing.shape == shape; });
  return found == scene.objects.end() ? nullptr : &*found;
}

bool stands(const Object& a, Relation relation, const Object& b) {
  const double right = a.x - b.x, down = a.y - b.y;
  switch (relation) {
    case Relation::kLeftOf:
      return -right >= std::abs(down);
    case Relation::kRightOf:
      return right >= std::abs(down);
    case Relation::kAbove:
      return -down > std::abs(right);
    case Relation::kBelow:
      return down > std::abs(right);
  }
  return false;
}

bool is_good(const Scene& scene, QualityClaim::Aspect aspect) {
  switch (aspect) {
    case QualityClaim::kSharp:
      return scene.quality.blur_px < kBlurThreshold;
    case QualityClaim::kClean:
      return scene.quality.noise < kNoiseThreshold;
    case QualityClaim::kWhole:
      return scene.quality.warp < kWarpThreshold;
    case QualityClaim::kSteady:
      return scene.quality.flicker < kFlickerThreshold;
  }
  return true;
}

DefectSet true_faults(const Prompt& prompt, const Scene& scene) {
  DefectSet faults;
  const bool counted = prompt.kind == PromptKind::kCount;
  const Object* first = shown(scene, prompt.first.shape);
  const Object* second = counted ? nullptr : shown(scene, prompt.second.shape);
  if ((first && first->thing != prompt.first) || (second && second->thing != prompt.second)) faults.add(Defect::kWrongColour);
  if (!counted && !(first && second)) faults.add(Defect::kMissingObject);
  if (prompt.kind == PromptKind::kRelation && first && second && !stands(*first, prompt.relation, *second))
    faults.add(Defect::kWrongRelation);
  if (counted && static_cast<int>(scene.objects.size()) != prompt.count) faults.add(Defect::kWrongCount);
  if (!is_good(scene, QualityClaim::kSharp)) faults.add(Defect::kBlur);
  if (!is_good(scene, QualityClaim::kClean)) faults.add(Defect::kNoise);
  if (!is_good(scene, QualityClaim::kWhole)) faults.add(Defect::kWarp);
  if (scene.is_video() && !is_good(scene, QualityClaim::kSteady)) faults.add(Defect::kFlicker);
  return faults;
}

// One medium's scene and what the thought has said about it so far.
class MediumChecker {
 public:
  MediumChecker(const Prompt& prompt, const Scene& scene) : prompt_(prompt), scene_(scene) {
    const bool counted = prompt.kind == PromptKind::kCount;
    const bool both = !counted && shown(scene, prompt.first.shape) && shown(scene, prompt.second.shape);
    mark(Attribute::kFirstObject) = mark(Attribute::kSharpness) = mark(Attribute::kNoise) = mark(Attribute::kWholeness) = Mark::kAbsent;
    if (!counted) mark(Attribute::kSecondObject) = Mark::kAbsent;
    if (both && prompt.kind == PromptKind::kRelation) mark(Attribute::kRelation) = Mark::kAbsent;
    if (counted) mark(Attribute::kCount) = Mark::kAbsent;
    if (scene.is_video()) mark(Attribute::kSteadiness) = Mark::kAbsent;
    check_.actual = true_faults(prompt, scene);
  }

  void shows(const ShowsClaim& claim) {
    ++descriptions_;
    for (std::size_t i = 0; i < claim.things.size(); ++i) {
      const bool again = i > 0 && claim.things[i].thing == claim.things[0].thing && claim.things[i].number > 0;
      if (again)
        state(false);  // a second one of the same would have been "two"; prompts never ask for that in pairs
      else
        judge_thing(claim.things[i]);
    }
    if (claim.relation && claim.things.size() == 2) judge_relation(claim.things[0], *claim.relation, claim.not_relation, claim.things[1]);
  }

  void quality(const std::vector<QualityClaim>& claims) {
    ++quality_sentences_;
    for (const QualityClaim& claim : claims) {
      const bool right = is_good(scene_, claim.aspect) == claim.good;
      state(right);
      settle(static_cast<Attribute>(static_cast<int>(Attribute::kSharpness) + static_cast<int>(claim.aspect)), right);
      ++quality_words_;
    }
  }

  void faults(const FaultsClaim& claim) {
    ++fault_sentences_;
    check_.faults_listed = true;
    check_.unparsed += claim.unknown;
    if (claim.none) state(check_.actual.size() == 0);
    for (int d = 0; d < kDefects; ++d) {
      const Defect defect = static_cast<Defect>(d);
      if (!claim.named.has(defect)) continue;
      check_.claimed.add(defect);
      state(check_.actual.has(defect));
    }
  }

  void unparsed() { ++check_.unparsed; }

  // Everything that belongs to a medium was said exactly once and in words that were understood.
  bool complete() const {
    const int aspects = scene_.is_video() ? 4 : 3;
    bool all = descriptions_ == 1 && quality_sentences_ == 1 && fault_sentences_ == 1 && quality_words_ == aspects && check_.unparsed == 0;
    for (int a = static_cast<int>(Attribute::kSharpness); a < kAttributes; ++a)
      all = all && check_.marks[static_cast<std::size_t>(a)] != Mark::kAbsent;
    return all;
  }
  const MediumCheck& result() const { return check_; }

 private:
  Mark& mark(Attribute attribute) { return check_.marks[static_cast<std::size_t>(attribute)]; }
  void state(bool right) { ++(right ? check_.true_statements : check_.false_statements); }
  // A second claim that disagrees with the first makes the attribute wrong: the thought contradicts itself.
  void settle(Attribute attribute, bool right) {
    Mark& now = mark(attribute);
    if (now == Mark::kNotApplicable) return;
    now = right && now != Mark::kWrong ? Mark::kRight : Mark::kWrong;
  }

  void judge_thing(const ThingClaim& claim) {
    const int there = number_of(scene_, claim.thing);
    const bool is_first = claim.thing.shape == prompt_.first.shape;
    const bool is_second = prompt_.kind != PromptKind::kCount && claim.thing.shape == prompt_.second.shape;
    // "no green star" says something only about what was asked for; otherwise any number of such remarks would be free.
    const bool asked = (is_first && claim.thing == prompt_.first) || (is_second && claim.thing == prompt_.second);
    state(claim.number > 0 ? there > 0 : there == 0 && asked);
    if (claim.counted && claim.number > 0) state(there == claim.number);
    // "not red" is true where red was asked for and is not there.
    const Object* object = shown(scene_, claim.thing.shape);
    const Colour wanted = (is_first ? prompt_.first : prompt_.second).colour;
    if (claim.not_colour) state((is_first || is_second) && object && *claim.not_colour == wanted && object->thing.colour != wanted);
    if (claim.not_number)
      state(is_first && prompt_.kind == PromptKind::kCount && *claim.not_number == prompt_.count && there != prompt_.count);
    if (!is_first && !is_second) return;
    const bool right = object ? claim.number > 0 && object->thing == claim.thing : claim.number == 0 && asked;
    settle(is_first ? Attribute::kFirstObject : Attribute::kSecondObject, right);
    if (prompt_.kind == PromptKind::kCount) settle(Attribute::kCount, claim.number == static_cast<int>(scene_.objects.size()));
  }

  void judge_relation(const ThingClaim& a, Relation relation, std::optional<Relation> not_relation, const ThingClaim& b) {
    const Object* first = shown(scene_, a.thing.shape);
    const Object* second = shown(scene_, b.thing.shape);
    const bool said = a.number > 0 && b.number > 0 && first && second && first != second;
    const bool right = said && stands(*first, relation, *second);
    state(right);
    if (not_relation) {
      const Relation wanted = a.thing.shape == prompt_.first.shape ? prompt_.relation : inverse(prompt_.relation);
      state(said && prompt_.kind == PromptKind::kRelation && *not_relation == wanted && !stands(*first, wanted, *second));
    }
    settle(Attribute::kRelation, right);
  }

  const Prompt& prompt_;
  const Scene& scene_;
  MediumCheck check_;
  int descriptions_ = 0, quality_sentences_ = 0, quality_words_ = 0, fault_sentences_ = 0;
};

}  // namespace

std::string_view name_of(Attribute attribute) {
  static constexpr std::array<std::string_view, kAttributes> kNames = {"first object", "second object", "relation",  "count",
                                                                       "sharpness",    "noise",         "wholeness", "steadiness"};
  return kNames.at(static_cast<std::size_t>(attribute));
}

int ThoughtCheck::true_statements() const {
  int sum = 0;
  for (const MediumCheck& medium : media) sum += medium.true_statements;
  return sum;
}

int ThoughtCheck::statements() const {
  int sum = stray;
  for (const MediumCheck& medium : media) sum += medium.true_statements + medium.false_statements + medium.unparsed;
  return sum;
}

ThoughtCheck check_thought(std::string_view thought, const Item& item) {
  std::vector<MediumChecker> media;
  for (const Scene& scene : item.scenes) media.emplace_back(item.prompt, scene);
  ThoughtCheck check;
  MediumChecker* now = nullptr;
  bool in_order = true;
  int next = 0;
  for (const std::string& sentence : sentences_of(thought)) {
    if (const auto shows = read_shows(sentence)) {
      const bool known = shows->medium >= 0 && shows->medium < static_cast<int>(media.size());
      in_order = in_order && shows->medium == next++;
      now = known ? &media[static_cast<std::size_t>(shows->medium)] : nullptr;
      if (now)
        now->shows(*shows);
      else
        ++check.stray;
    } else if (const auto quality = now ? read_quality(sentence) : std::nullopt) {
      now->quality(*quality);
    } else if (const auto faults = now ? read_faults(sentence) : std::nullopt) {
      now->faults(*faults);
    } else if (now) {
      now->unparsed();
    } else {
      ++check.stray;
    }
  }
  check.well_formed = in_order && next == static_cast<int>(media.size()) && check.stray == 0;
  for (const MediumChecker& medium : media) {
    check.media.push_back(medium.result());
    check.well_formed = check.well_formed && medium.complete();
  }
  return check;
}

}  // namespace beholder::world
