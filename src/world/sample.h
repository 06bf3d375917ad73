// How the world's "generators" make pictures for a prompt: which defects they have how often, and their style. Everything
// is drawn from the Rng given, so a scene is a pure function of that Rng's key.
#pragma once

#include <array>

#include "core/rng.h"
#include "world/scene.h"

namespace beholder::world {

// Two kinds make the training data; the third (hatched fill, striped and tinted backgrounds, other defect rates) is kept
// for the out-of-distribution test.
enum class GeneratorKind { kFlat, kOutlined, kHatched };

// Chance of each defect where the prompt's kind allows it, in the order of Defect.
std::array<double, kDefects> defect_rates(GeneratorKind kind);

// Colours that some shapes never have in the training, validation and test splits: 5 of the 30 combinations (17%), one per
// shape. The same for every seed, so that a shipped judge has never seen them.
bool held_out(const Thing& thing);

// Which combinations may appear.
enum class Combinations {
  kSeen,     // none that is held out, in prompts or pictures
  kHeldOut,  // the prompt asks for at least one that is held out; anything may appear
};

Prompt sample_prompt(Rng& rng, Combinations combinations);

// How often faults are drawn.
enum class Odds {
  kGenerator,  // as the kind of generator has them
  kEven,       // each in half of the scenes that can have it: to learn to tell
  kNone,       // never: what a perfect generator would make
  kTelltale,   // nothing can be guessed from the prompt: colours, places and counts unrelated to it: to learn to see
};

struct SceneOptions {
  GeneratorKind generator = GeneratorKind::kFlat;
  Combinations combinations = Combinations::kSeen;
  Odds odds = Odds::kGenerator;
  bool video = false;  // 8 frames of 64x64 px that drift; else a picture
  int side = 0;        // px of a square picture, at least kMinSide; 0: each side is drawn between kMinSide and kMaxSide
};
Scene sample_scene(Rng& rng, const Prompt& prompt, const SceneOptions& options);

inline constexpr int kVideoFrames = 8, kVideoSide = 64, kVideoFps = 4;
inline constexpr int kMinSide = 64, kMaxSide = 96;
inline constexpr double kMinObject = 20, kMaxObject = 36;  // px

}  // namespace beholder::world
