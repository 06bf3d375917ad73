// Reads a picture (or the frames of a video) of the embedded world by classical means: colours by hue, things by connected regions, shapes
// by their outlines, quality by edges, residuals and brightness. It looks at pixels alone and shares nothing with the renderer but the
// names and units of scene.h, so it says the same of a rendered scene and of a generated picture, and `truth_of` and `defects_of` take its
// result as they take a scene. Deterministic; any thread. How well it sees: docs/methods/inspect.md.
#pragma once

#include <span>
#include <vector>

#include "media/image.h"
#include "world/scene.h"

namespace beholder::world {

// How a thing's shape was told.
struct ShapeEvidence {
  double residual = 0;   // RMS distance of its outline from the ideal one, in mean radii
  double runner_up = 0;  // the same for the best other shape
};

struct Inspection {
  // Objects (the largest first), background kind (kFlat, or kGradient for any that is not plain) and brightness (as grey `from` and
  // `to`), quality, size, number of frames. Clutter, fill, drift and seeds are not read.
  Scene scene;
  std::vector<ShapeEvidence> evidence;  // one per object
  double background_variation = 0;      // standard deviation of the background's brightness without noise, of 255
};

// Frames of one size, in order; a picture is one frame. Quality levels are the middle ones over the frames; objects are those that most
// frames show, where they are in the frame nearest to the middle. No frame, or an empty one, shows nothing. kInvalidInput for frames of
// several sizes or a picture whose data do not fit its size, kUnsupported over kMostSide.
Inspection inspect(std::span<const media::Image> frames);
inline constexpr int kMostSide = 256;  // px

}  // namespace beholder::world
