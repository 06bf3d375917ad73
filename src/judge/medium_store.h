// From a file (or a list of frame files) to a prepared medium, decoded and cut into patches once per content: a bounded
// cache keyed by the bytes' hash, least recently used out first. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "data/record.h"
#include "judge/judge.h"
#include "media/preprocess.h"

namespace beholder::judge {

struct VideoSampling {
  double fps = 1.0;  // frames looked at per second of video
  std::int64_t max_frames = 24;
};

class MediumStore {
 public:
  explicit MediumStore(const media::PatchConfig& patches, const VideoSampling& video = {}, std::size_t limit_bytes = std::size_t{1} << 30)
      : patches_(patches), video_(video), limit_bytes_(limit_bytes) {}

  // The name is the path, or the first frame's; bytes that came with the record are taken in place of the file. kNotFound, kCorrupt,
  // kUnsupported, kInvalidInput, kResource, naming the file.
  Medium load(const data::MediaRef& ref);

  std::int64_t hits() const { return hits_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    Medium medium;
  };
  void keep(const std::string& key, const Medium& medium);

  media::PatchConfig patches_;
  VideoSampling video_;
  std::size_t limit_bytes_, bytes_ = 0;
  std::int64_t hits_ = 0;
  std::list<Entry> entries_;  // latest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace beholder::judge
