#include "world/sample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "world/place.h"

namespace beholder::world {
namespace {

template <class E>
E any(Rng& rng, int count) {
  return static_cast<E>(rng.below(static_cast<std::uint64_t>(count)));
}

Thing sample_thing(Rng& rng, Combinations combinations) {
  Thing thing;
  do {
    thing = {any<Colour>(rng, kColours), any<Shape>(rng, kShapes)};
  } while (combinations == Combinations::kSeen && held_out(thing));
  return thing;
}

Thing sample_held_out(Rng& rng) {
  Thing thing;
  do {
    thing = {any<Colour>(rng, kColours), any<Shape>(rng, kShapes)};
  } while (!held_out(thing));
  return thing;
}

Colour other_colour(Rng& rng, const Thing& asked, Combinations combinations) {
  Thing shown = asked;
  do {
    shown.colour = any<Colour>(rng, kColours);
  } while (shown.colour == asked.colour || (combinations == Combinations::kSeen && held_out(shown)));
  return shown.colour;
}

int other_count(Rng& rng, int asked) {
  int shown;
  do {
    const int by = rng.chance(0.75) ? 1 : 2;
    shown = rng.chance(0.5) ? asked + by : asked - by;
  } while (shown < 1 || shown > 4);
  return shown;
}

// The named colour with a little variation in hue and a lot in brightness, so that a colour is a range and not a code.
std::array<float, 3> vary(Rng& rng, Colour colour) {
  static constexpr std::array<std::array<float, 3>, kColours> kPure = {
      {{216, 44, 40}, {44, 164, 62}, {46, 82, 214}, {234, 202, 40}, {148, 52, 186}, {52, 194, 214}}};
  std::array<float, 3> rgb = kPure[static_cast<std::size_t>(colour)];
  const double light = rng.uniform(0.82, 1.08);
  for (float& c : rgb) c = static_cast<float>(std::clamp(c * light + rng.uniform(-14, 14), 0.0, 255.0));
  return rgb;
}

constexpr std::array<double, kDefects> kEvenRates = {0.5, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
constexpr std::array<double, kDefects> kNoRates = {};
// A colour, relation or count drawn without a look at the prompt would agree with it once in 6, 4 or about 4.
constexpr std::array<double, kDefects> kTelltaleRates = {0.85, 0.16, 0.75, 0.75, 0.5, 0.5, 0.5, 0.5};

// Which defects this picture gets. A relation can only be wrong where both objects are there.
DefectSet sample_defects(Rng& rng, const Prompt& prompt, const SceneOptions& options) {
  const std::array<double, kDefects> rate = options.odds == Odds::kGenerator ? defect_rates(options.generator)
                                            : options.odds == Odds::kEven    ? kEvenRates
                                            : options.odds == Odds::kNone    ? kNoRates
                                                                             : kTelltaleRates;
  DefectSet defects;
  const auto maybe = [&](Defect defect, bool allowed) {
    const bool hit = rng.chance(rate[static_cast<std::size_t>(defect)]);
    if (hit && allowed) defects.add(defect);
  };
  const bool count = prompt.kind == PromptKind::kCount;
  maybe(Defect::kWrongColour, true);
  maybe(Defect::kMissingObject, !count);
  maybe(Defect::kWrongRelation, prompt.kind == PromptKind::kRelation && !defects.has(Defect::kMissingObject));
  maybe(Defect::kWrongCount, count);
  maybe(Defect::kBlur, true);
  maybe(Defect::kNoise, true);
  maybe(Defect::kWarp, true);
  maybe(Defect::kFlicker, options.video);
  return defects;
}

void add_counted(Rng& rng, const Prompt& prompt, DefectSet defects, const SceneOptions& options, const Frame& frame, Scene& scene) {
  Thing shown = prompt.first;
  if (defects.has(Defect::kWrongColour)) shown.colour = other_colour(rng, shown, options.combinations);
  const int n = defects.has(Defect::kWrongCount) ? other_count(rng, prompt.count) : prompt.count;
  scene.objects.assign(static_cast<std::size_t>(n), Object{.thing = shown});
  const std::array<float, 3> rgb = vary(rng, shown.colour);
  for (Object& object : scene.objects) object.rgb = rgb;
  place_free(rng, frame, scene.objects);
}

void add_pair(Rng& rng, const Prompt& prompt, DefectSet defects, const SceneOptions& options, const Frame& frame, Scene& scene) {
  Object a{.thing = prompt.first}, b{.thing = prompt.second};
  const bool miss_first = rng.chance(0.5), recolour_first = rng.chance(0.5);
  const bool missing = defects.has(Defect::kMissingObject);
  if (defects.has(Defect::kWrongColour)) {
    Object& wrong = (missing ? !miss_first : recolour_first) ? a : b;  // the one that is there
    wrong.thing.colour = other_colour(rng, wrong.thing, options.combinations);
    Object& other = &wrong == &a ? b : a;
    if (options.odds == Odds::kTelltale && rng.chance(0.8)) other.thing.colour = other_colour(rng, other.thing, options.combinations);
  }
  const bool related = prompt.kind == PromptKind::kRelation;
  Relation relation = related ? prompt.relation : any<Relation>(rng, kRelations);
  if (defects.has(Defect::kWrongRelation)) do {
      relation = any<Relation>(rng, kRelations);
    } while (relation == prompt.relation);
  a.rgb = vary(rng, a.thing.colour);
  b.rgb = vary(rng, b.thing.colour);
  place_pair(rng, frame, relation, related ? 0.35 : 0.8, a, b);
  if (!missing || !miss_first) scene.objects.push_back(a);
  if (!missing || miss_first) scene.objects.push_back(b);
}

double turn(Rng& rng, Shape shape) {
  const double most = shape == Shape::kCircle ? 0 : shape == Shape::kStar ? 0.6 : shape == Shape::kTriangle ? 0.45 : 0.3;
  return rng.uniform(-most, most);
}

// Smallest distance of any object's colour to a background colour, in levels; the eye's weights for red, green and blue.
double contrast(const Scene& scene, const std::array<float, 3>& rgb) {
  double smallest = 1e9;
  for (const Object& o : scene.objects) {
    const double r = o.rgb[0] - rgb[0], g = o.rgb[1] - rgb[1], b = o.rgb[2] - rgb[2];
    smallest = std::min(smallest, std::sqrt(0.3 * r * r + 0.5 * g * g + 0.2 * b * b));
  }
  return smallest;
}

std::array<float, 3> near_grey(Rng& rng, double tint) {
  const double light = rng.uniform(24, 244);
  std::array<float, 3> rgb;
  for (float& c : rgb) c = static_cast<float>(std::clamp(light + rng.uniform(-tint, tint), 0.0, 255.0));
  return rgb;
}

Background sample_background(Rng& rng, const Scene& scene, GeneratorKind kind) {
  Background back;
  const bool hatched = kind == GeneratorKind::kHatched;
  back.kind =
      hatched ? (rng.chance(0.6) ? BackgroundKind::kStripes : BackgroundKind::kGradient) : static_cast<BackgroundKind>(rng.below(3));
  const double tint = hatched ? 26 : 9;
  const double wanted = rng.uniform(58, 110);  // varied, never too low to tell
  double best = -1;
  for (int attempt = 0; attempt < 24 && best < wanted; ++attempt) {
    const std::array<float, 3> from = near_grey(rng, tint);
    std::array<float, 3> to = from;
    const double step = rng.uniform(14, 46) * (from[1] > 134 ? -1 : 1);
    for (float& c : to) c = static_cast<float>(std::clamp(c + step, 0.0, 255.0));
    const double found = std::min(contrast(scene, from), contrast(scene, to));
    if (found <= best) continue;
    best = found;
    back.from = from;
    back.to = to;
  }
  back.angle = rng.uniform(0, 2 * std::numbers::pi);
  back.period = rng.uniform(10, 20);
  return back;
}

std::vector<Clutter> sample_clutter(Rng& rng, const Scene& scene) {
  std::vector<Clutter> clutter(rng.below(6));
  for (Clutter& c : clutter) {
    c.x0 = c.x1 = rng.uniform(2, scene.width - 2);
    c.y0 = c.y1 = rng.uniform(2, scene.height - 2);
    c.radius = rng.uniform(0.7, 1.5);
    c.grey = static_cast<float>(rng.uniform(40, 215));
    if (rng.chance(0.4)) {
      const double angle = rng.uniform(0, 2 * std::numbers::pi), length = rng.uniform(4, 9);
      c.x1 += length * std::cos(angle);
      c.y1 += length * std::sin(angle);
      c.radius = 0.7;
    }
  }
  return clutter;
}

Quality sample_quality(Rng& rng, DefectSet defects) {
  Quality q;
  q.blur_px = defects.has(Defect::kBlur) ? rng.uniform(1.5, 2.2) : rng.uniform(0, 0.35);
  q.noise = defects.has(Defect::kNoise) ? rng.uniform(16, 28) : rng.uniform(0, 3);
  q.warp = defects.has(Defect::kWarp) ? rng.uniform(0.16, 0.2) : 0;
  q.flicker = defects.has(Defect::kFlicker) ? rng.uniform(0.22, 0.4) : rng.uniform(0, 0.02);
  return q;
}

}  // namespace

std::array<double, kDefects> defect_rates(GeneratorKind kind) {
  //       wrong colour, missing, relation, count, blur, noise, warp, flicker
  switch (kind) {
    case GeneratorKind::kFlat:
      return {0.22, 0.16, 0.34, 0.30, 0.36, 0.20, 0.40, 0.30};
    case GeneratorKind::kOutlined:
      return {0.16, 0.22, 0.42, 0.36, 0.28, 0.30, 0.32, 0.24};
    case GeneratorKind::kHatched:
      return {0.28, 0.12, 0.28, 0.42, 0.22, 0.36, 0.24, 0.36};
  }
  return {};
}

bool held_out(const Thing& thing) {
  static constexpr std::array<Colour, kShapes> kNever = {Colour::kYellow, Colour::kPurple, Colour::kBlue, Colour::kRed, Colour::kGreen};
  return kNever[static_cast<std::size_t>(thing.shape)] == thing.colour;
}

Prompt sample_prompt(Rng& rng, Combinations combinations) {
  Prompt prompt;
  const double kind = rng.uniform();
  prompt.kind = kind < 0.5 ? PromptKind::kRelation : kind < 0.75 ? PromptKind::kCount : PromptKind::kPair;
  const bool unseen = combinations == Combinations::kHeldOut;
  prompt.first = unseen ? sample_held_out(rng) : sample_thing(rng, combinations);
  do {
    prompt.second = sample_thing(rng, combinations);
  } while (prompt.second.shape == prompt.first.shape);
  if (unseen && prompt.kind != PromptKind::kCount && rng.chance(0.5)) std::swap(prompt.first, prompt.second);
  prompt.relation = any<Relation>(rng, kRelations);
  prompt.count = 1 + static_cast<int>(rng.below(4));
  return prompt;
}

Scene sample_scene(Rng& rng, const Prompt& prompt, const SceneOptions& options) {
  Scene scene;
  const auto side = [&] { return options.side > 0 ? options.side : kMinSide + static_cast<int>(rng.below(kMaxSide - kMinSide + 1)); };
  scene.width = options.video ? kVideoSide : side();
  scene.height = options.video ? kVideoSide : side();
  const DefectSet defects = sample_defects(rng, prompt, options);
  Frame frame{scene.width, scene.height};
  if (options.video) {
    scene.frames = kVideoFrames;
    scene.drift_x = rng.uniform(-5, 5);
    scene.drift_y = rng.uniform(-5, 5);
    frame.drift = 5;
  }
  if (prompt.kind == PromptKind::kCount)
    add_counted(rng, prompt, defects, options, frame, scene);
  else
    add_pair(rng, prompt, defects, options, frame, scene);
  for (Object& object : scene.objects) object.rotation = turn(rng, object.thing.shape);
  scene.fill = static_cast<Fill>(options.generator);
  scene.background = sample_background(rng, scene, options.generator);
  scene.clutter = sample_clutter(rng, scene);
  scene.quality = sample_quality(rng, defects);
  scene.texture_seed = rng.bits64();
  return scene;
}

}  // namespace beholder::world
