#include "world/inspect.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/error.h"
#include "core/format.h"
#include "world/inspect_plane.h"
#include "world/inspect_quality.h"
#include "world/inspect_view.h"

namespace beholder::world {
namespace {
using inspection::View;

// Calibrated on the world's train split.
constexpr double kPlain = 1.4;         // of 255: a background that varies less is plain
constexpr double kNoisyFrames = 0.75;  // quantile over frames: one that is too bright or too dark hides its noise

// The quantile of what `of` says of every view.
template <class F>
double level_of(const std::vector<View>& views, double share, F of) {
  std::vector<float> values;
  for (const View& view : views) values.push_back(static_cast<float>(of(view)));
  return inspection::quantile(values, share);
}

// Colours and shapes without their places.
std::vector<int> signature(const View& view) {
  std::vector<int> things;
  for (const Object& o : view.objects) things.push_back(static_cast<int>(o.thing.colour) * kShapes + static_cast<int>(o.thing.shape));
  std::sort(things.begin(), things.end());
  return things;
}

// Of the views that show what most of them show, the one nearest to the middle frame.
const View& usual_view(const std::vector<View>& views) {
  std::map<std::vector<int>, int> times;
  for (const View& view : views) ++times[signature(view)];
  const auto half = static_cast<int>(views.size() / 2);
  const auto key = [&](std::size_t t) { return std::pair(-times.at(signature(views[t])), std::abs(static_cast<int>(t) - half)); };
  std::size_t best = 0;
  for (std::size_t t = 1; t < views.size(); ++t)
    if (key(t) < key(best)) best = t;
  return views[best];
}

void check_frames(std::span<const media::Image> frames) {
  for (std::size_t t = 0; t < frames.size(); ++t) {
    const media::Image& f = frames[t];
    const std::string where = format("frame {}", t + 1);
    if (f.width != frames[0].width || f.height != frames[0].height)
      throw Error(Code::kInvalidInput, where,
                  format("is {}x{} px, the first is {}x{}", f.width, f.height, frames[0].width, frames[0].height),
                  "give frames of one size");
    if (std::max(f.width, f.height) > kMostSide)
      throw Error(Code::kUnsupported, where, format("is {}x{} px", f.width, f.height),
                  format("the world's pictures are read up to {} px a side", kMostSide));
    if (std::min(f.width, f.height) < 0 || f.rgb.size() != 3 * static_cast<std::size_t>(f.width) * static_cast<std::size_t>(f.height))
      throw Error(Code::kInvalidInput, where, "has more or fewer bytes than its size says", "give 3 bytes per pixel");
  }
}

}  // namespace

Inspection inspect(std::span<const media::Image> frames) {
  check_frames(frames);
  Inspection out;
  out.scene.width = frames.empty() ? 0 : frames[0].width;
  out.scene.height = frames.empty() ? 0 : frames[0].height;
  out.scene.frames = std::max(1, static_cast<int>(frames.size()));
  if (frames.empty() || frames[0].rgb.empty()) return out;
  std::vector<View> views;
  for (const media::Image& frame : frames) views.push_back(inspection::look_at(frame));
  const View& usual = usual_view(views);
  out.scene.objects = usual.objects;
  out.evidence = usual.evidence;
  out.background_variation = level_of(views, 0.5, [](const View& v) { return v.ground.variation; });
  out.scene.background.from.fill(static_cast<float>(level_of(views, 0.5, [](const View& v) { return v.ground.light; })));
  out.scene.background.to = out.scene.background.from;
  out.scene.background.kind = out.background_variation < kPlain ? BackgroundKind::kFlat : BackgroundKind::kGradient;
  out.scene.quality = {.blur_px = level_of(views, 0.5, [](const View& v) { return v.blur_px; }),
                       .noise = level_of(views, kNoisyFrames, [](const View& v) { return v.noise; }),
                       .warp = level_of(views, 0.5, [](const View& v) { return v.warp; }),
                       .flicker = inspection::flicker_of(frames)};
  return out;
}

}  // namespace beholder::world
