// A picture or video file as a page carries it: PNG data URIs, scaled down, never up.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace beholder::report {

struct Frame {
  std::string uri;  // data:image/png;…
  int width = 0, height = 0;
};

struct Picture {
  std::vector<Frame> frames;  // one for an image; first, middle and last of a video; empty where there is an error
  Frame thumb;                // small; of the middle frame
  bool video = false;
  std::string error;  // why the file cannot be shown
};

inline constexpr int kThumbSide = 72;  // px

// No side of an image exceeds `side` px; a video's three frames together are about as large as one image. A file that is
// missing, damaged, unknown or too large is a Picture with `error`: a report is made of what is still there.
Picture load_picture(const std::string& path, int side);
// The same of the bytes of a file, `name` standing in the error.
Picture load_picture(std::span<const std::byte> bytes, const std::string& name, int side);

// The side that keeps `pictures` of them within the room of 24 pictures of `side` px; never below 64 px.
int fitting_side(int side, std::size_t pictures);

}  // namespace beholder::report
