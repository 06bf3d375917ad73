// What a prompt of the embedded world asks for, and what one of its pictures (or videos) really shows. A scene is the
// whole truth about a picture: the renderer draws it, `defects_of` reads off it what people would notice.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::world {

enum class Colour { kRed, kGreen, kBlue, kYellow, kPurple, kCyan };
enum class Shape { kCircle, kSquare, kTriangle, kStar, kCross };
enum class Relation { kLeftOf, kRightOf, kAbove, kBelow };
inline constexpr int kColours = 6, kShapes = 5, kRelations = 4;

std::string_view name_of(Colour colour);      // "red"
std::string_view name_of(Shape shape);        // "circle"
std::string_view name_of(Relation relation);  // "left of"
std::string_view number_name(int n);          // "one" … "five"; n in 1..5
Relation inverse(Relation relation);

// A colour on a shape: what prompts and pictures are made of.
struct Thing {
  Colour colour = Colour::kRed;
  Shape shape = Shape::kCircle;
  bool operator==(const Thing&) const = default;
};
std::string noun(Shape shape, int count);           // "circle", "crosses"
std::string phrase(const Thing& thing);             // "a red circle"
std::string phrase(const Thing& thing, int count);  // "three red circles", "one red circle"

enum class PromptKind { kRelation, kCount, kPair };
struct Prompt {
  PromptKind kind = PromptKind::kPair;
  Thing first, second;  // of different shapes; `second` is unused by kCount
  Relation relation = Relation::kLeftOf;
  int count = 1;  // 1..4; kCount only

  // "a red circle left of a blue square", "three green stars", "a red circle and a blue square"
  std::string text() const;
};

// In the order in which they are named everywhere.
enum class Defect { kWrongColour, kMissingObject, kWrongRelation, kWrongCount, kBlur, kNoise, kWarp, kFlicker };
inline constexpr int kDefects = 8;
std::string_view name_of(Defect defect);  // "wrong colour", "missing object", …, "blur", "noise", "warp", "flicker"

class DefectSet {
 public:
  bool has(Defect defect) const { return bits_ >> static_cast<int>(defect) & 1; }
  void add(Defect defect) { bits_ |= 1u << static_cast<int>(defect); }
  int size() const { return __builtin_popcount(bits_); }
  bool operator==(const DefectSet&) const = default;

 private:
  unsigned bits_ = 0;
};

struct Object {
  Thing thing;
  double x = 0, y = 0;         // centre, px from the top left corner of the picture; for a video at its middle frame
  double size = 20;            // diameter, px
  double rotation = 0;         // rad
  std::array<float, 3> rgb{};  // the colour as drawn, 0..255: the named colour with some variation
};

enum class Fill { kFlat, kOutlined, kHatched };
enum class BackgroundKind { kFlat, kGradient, kTexture, kStripes };
struct Background {
  BackgroundKind kind = BackgroundKind::kFlat;
  std::array<float, 3> from{}, to{};  // 0..255; `to` is unused by kFlat
  double angle = 0;                   // rad; gradient and stripes
  double period = 16;                 // px; texture cells and stripes
};

// A small grey dot (x0 = x1, y0 = y1) or line that no prompt asks for.
struct Clutter {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0, radius = 1;  // px
  float grey = 128;
};

// Levels of 0 or near it are what a good picture has; `defects_of` names the thresholds.
struct Quality {
  double blur_px = 0;  // sigma of a Gaussian
  double noise = 0;    // sigma, of 255
  double warp = 0;     // amplitude of the outline's displacement, in radii
  double flicker = 0;  // amplitude of the brightness change between frames, share
};

struct Scene {
  int width = 64, height = 64;  // px
  std::vector<Object> objects;
  Background background;
  std::vector<Clutter> clutter;
  Fill fill = Fill::kFlat;
  Quality quality;
  std::uint64_t texture_seed = 0;   // noise, texture and flicker are drawn from it
  int frames = 1;                   // more than 1: a video
  double drift_x = 0, drift_y = 0;  // px that everything moves from the first frame to the last

  bool is_video() const { return frames > 1; }
};

inline constexpr double kBlurThreshold = 1.0, kNoiseThreshold = 10, kWarpThreshold = 0.06, kFlickerThreshold = 0.1;

// Where `a` stands as seen from `b`: along the axis on which their centres lie further apart.
Relation relation_between(const Object& a, const Object& b);
// The object a prompt's thing became: the one of its shape (prompts never name a shape twice), or null when missing.
const Object* find_object(const Scene& scene, Shape shape);
// What a careful viewer finds wrong with the picture, given the prompt.
DefectSet defects_of(const Prompt& prompt, const Scene& scene);

}  // namespace beholder::world
