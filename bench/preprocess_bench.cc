// What a picture costs before the model sees it: read, decode, resize, normalise, cut into patches, on one thread.
//   build/preprocess_bench ROUNDS a.jpg b.jpg …
// Prints JSON: {"images_per_second": the best round's, "seconds": [per round], "sha256": [of each picture's float32 patches]}.
// tools/peers/bench_preprocess.py runs it beside Pillow and the published processor.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/sha256.h"
#include "media/image.h"
#include "media/preprocess.h"

namespace beholder {
namespace {

media::Patches prepare(const std::string& path) {
  const std::string bytes = read_file(path);
  const media::Image image = media::decode_image(std::as_bytes(std::span(bytes)), path);
  return media::patchify(image, {});
}

Json measure(int rounds, const std::vector<std::string>& paths) {
  Json out{{"images_per_second", 0.0}, {"seconds", Json::array()}, {"sha256", Json::array()}};
  for (const std::string& path : paths) {
    const media::Patches patches = prepare(path);
    out["sha256"].push_back(sha256_hex(std::as_bytes(std::span(patches.values))));
  }
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    std::int64_t rows = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& path : paths) rows += prepare(path).rows();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    require_internal(rows > 0, "patches");
    out["seconds"].push_back(seconds);
    best = std::max(best, static_cast<double>(paths.size()) / seconds);
  }
  out["images_per_second"] = best;
  return out;
}

int run(int argc, char** argv) {
  const int rounds = argc > 2 ? std::atoi(argv[1]) : 0;
  if (rounds < 1) {
    std::fputs("usage: preprocess_bench ROUNDS FILE…\n", stderr);
    return 2;
  }
  try {
    fmt::print("{}\n", json_line(measure(rounds, {argv + 2, argv + argc})));
    return 0;
  } catch (const Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return e.exit_status();
  }
}

}  // namespace
}  // namespace beholder

int main(int argc, char** argv) {
  return beholder::run(argc, argv);
}
