// Whether the media of records can be read, found out ahead in threads while the records come on in order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "data/stream.h"
#include "media/image.h"

namespace beholder::data {

enum class CheckLevel {
  kNone,    // that the file is there
  kHeader,  // format and size
  kFull,    // every pixel decoded; of a video a few frames
};

struct MediaCheck {
  std::string error;          // empty: good
  bool missing = false;       // there is no such file
  std::string format;         // "jpeg", "png", "video"…; empty with kNone
  int width = 0, height = 0;  // of pictures
  bool in_archive = false;    // checked where it lies
  std::uint64_t hash = 0;     // of the bytes; with kNone and a file: of the path
  media::Image small;         // where it was asked for: the picture, its longer side at most 256 px
};

struct CheckOptions {
  CheckLevel level = CheckLevel::kFull;
  bool small = false;  // keep a small picture
  int threads = 2;
};

// Never throws for what a file holds.
MediaCheck check_media(const MediaRef& ref, const CheckOptions& options);
MediaCheck check_bytes(const std::string& bytes, const std::string& name, const CheckOptions& options);
// The file's bytes, or those that came with the record. kNotFound, kInvalidInput, kResource.
std::shared_ptr<const std::string> media_bytes(const MediaRef& ref);

struct CheckedLine {
  Line line;
  std::vector<MediaCheck> media;  // one per medium of the record
};

// Lines in order, their media checked by `threads` threads up to 4 lines per thread ahead (with kNone at once).
class CheckedStream {
 public:
  // The hash of the bytes of media that need no look (they are in an archive that has been checked). Both must outlive this.
  using Archived = std::function<std::optional<std::uint64_t>(const std::string& path)>;
  CheckedStream(RecordStream& source, const CheckOptions& options, Archived archived = {});
  std::optional<CheckedLine> next();

 private:
  MediaCheck check_one(const MediaRef& ref) const;
  CheckedLine checked(Line line) const;
  RecordStream& source_;
  CheckOptions options_;
  Archived archived_;
  std::deque<std::future<CheckedLine>> ahead_;
  bool ended_ = false;
  ThreadPool pool_;  // goes first: its threads use the rest
};

}  // namespace beholder::data
