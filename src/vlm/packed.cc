#include "vlm/packed.h"

#include <torch/types.h>

#include <algorithm>

#include "core/error.h"
#include "core/format.h"

namespace beholder::vlm {
namespace {

// M-RoPE positions of one segment (Qwen2-VL 2.1): text counts up on all three axes; a medium spans time, height and width
// from the next free position, and text goes on behind the largest of them. `count_t` temporal patches of it are written.
class PositionWriter {
 public:
  PositionWriter(std::int64_t* out, std::int64_t total, std::int64_t first) : out_(out), total_(total), next_(first) {}

  void text() {
    for (int axis = 0; axis < 3; ++axis) out_[axis * total_ + row_] = next_;
    ++row_;
    ++next_;
  }

  void medium(const Media& m, std::int64_t count_t, const hf::ModelConfig& config) {
    const std::int64_t merge = config.vision.spatial_merge_size, first = next_;
    for (std::int64_t t = 0; t < count_t; ++t)
      for (std::int64_t y = 0; y < m.h / merge; ++y)
        for (std::int64_t x = 0; x < m.w / merge; ++x, ++row_) {
          const std::int64_t place[3] = {time_of(t, m, config), y, x};
          for (int axis = 0; axis < 3; ++axis) {
            out_[axis * total_ + row_] = first + place[axis];
            next_ = std::max(next_, first + place[axis] + 1);
          }
        }
  }

  std::int64_t next() const { return next_; }

 private:
  // Qwen2.5-VL spaces video frames by real time; Qwen2-VL counts them; in Qwen3-VL the text between them tells their time.
  static std::int64_t time_of(std::int64_t t, const Media& m, const hf::ModelConfig& config) {
    if (config.family == hf::Family::kQwen2VL) return t;
    if (!m.video || config.vision.frame_timestamps) return 0;
    return static_cast<std::int64_t>(static_cast<float>(t) * static_cast<float>(m.second_per_grid) *
                                     static_cast<float>(config.vision.tokens_per_second));
  }

  std::int64_t* out_;
  std::int64_t total_, next_, row_ = 0;
};

void check_media(const Segment& segment, std::size_t index, const hf::ModelConfig& config) {
  require_internal(segment.media.empty() || segment.parent < 0, "only a root segment may have media");
  if (segment.parent >= 0) return;
  const std::int64_t unit = config.vision.spatial_merge_size * config.vision.spatial_merge_size;
  std::int64_t pads = 0, features = 0;
  for (const std::int64_t id : segment.ids) pads += id == config.image_token_id || id == config.video_token_id;
  for (const Media& m : segment.media) features += m.t * m.h * m.w / unit;
  if (pads != features)
    throw Error(Code::kInvalidInput, format("prompt {}", index), format("has {} media tokens for {} features", pads, features),
                "the number of pads must equal the number of features; do not cut a prompt inside a picture");
}

// The pads of one picture (or of one temporal patch) stand in one piece.
void check_run(const Segment& segment, std::size_t first, std::int64_t features) {
  const auto begin = segment.ids.begin() + static_cast<std::ptrdiff_t>(first);
  const bool whole = segment.ids.end() - begin >= features &&
                     std::all_of(begin, begin + features, [&](std::int64_t id) { return id == segment.ids[first]; });
  if (!whole)
    throw Error(Code::kInvalidInput, "prompt", format("the {} media tokens of a picture or frame are not in one piece", features),
                "put one run of pads per picture, or per time of a video where the model's family sets timestamps");
}

// Rows of features collected over all segments.
struct FeatureRows {
  std::vector<std::int64_t> image, video;
};

void write_segment(const Segment& segment, std::int64_t begin, const hf::ModelConfig& config, PositionWriter& writer, Packed& packed,
                   FeatureRows& rows) {
  std::size_t medium = 0;
  std::int64_t shown = 0;  // temporal patches of the medium that stand before this place
  for (std::size_t i = 0; i < segment.ids.size();) {
    const bool pad = segment.ids[i] == config.image_token_id || segment.ids[i] == config.video_token_id;
    if (!pad || segment.parent >= 0) {
      writer.text();
      ++i;
      continue;
    }
    const Media& m = segment.media[medium];
    if (m.video != (segment.ids[i] == config.video_token_id))
      throw Error(Code::kInvalidInput, "prompt", "an image stands where the text has a video, or the reverse");
    if (shown == 0) (m.video ? packed.videos : packed.images).push_back(m);
    const std::int64_t count_t = m.video && config.vision.frame_timestamps ? 1 : m.t;
    const std::int64_t features = count_t * m.h * m.w / (config.vision.spatial_merge_size * config.vision.spatial_merge_size);
    check_run(segment, i, features);
    writer.medium(m, count_t, config);
    shown += count_t;
    if (shown == m.t) ++medium, shown = 0;
    auto& mine = m.video ? rows.video : rows.image;
    for (std::int64_t f = 0; f < features; ++f) mine.push_back(begin + static_cast<std::int64_t>(i) + f);
    i += static_cast<std::size_t>(features);
  }
}

}  // namespace

std::int64_t Packed::predictor(int segment, std::int64_t i) const {
  const Span& span = spans[static_cast<std::size_t>(segment)];
  if (i > 0) return span.begin + i - 1;
  if (span.parent < 0) return -1;
  const Span& parent = spans[static_cast<std::size_t>(span.parent)];
  return parent.begin + parent.length - 1;
}

Packed pack(const hf::ModelConfig& config, std::span<const Segment> segments) {
  Packed packed;
  std::int64_t total = 0;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Segment& segment = segments[s];
    require_internal(segment.parent < static_cast<int>(s), "a segment must come after its parent");
    check_media(segment, s, config);
    packed.spans.push_back({total, static_cast<std::int64_t>(segment.ids.size()), segment.parent});
    total += static_cast<std::int64_t>(segment.ids.size());
  }
  packed.ids_T = at::empty({total}, at::kLong);
  packed.positions_3T = at::empty({3, total}, at::kLong);
  std::int64_t* ids = packed.ids_T.data_ptr<std::int64_t>();
  FeatureRows rows;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Segment& segment = segments[s];
    for (const std::int64_t id : segment.ids)
      if (id < 0 || id >= config.text.vocab_size)
        throw Error(Code::kInvalidInput, format("prompt {}", s),
                    format("token {} is outside the model's vocabulary of {}", id, config.text.vocab_size),
                    "tokenizer and weights are from different models");
    std::copy(segment.ids.begin(), segment.ids.end(), ids + packed.spans[s].begin);
    const std::int64_t first = segment.parent < 0 ? 0 : packed.next_position[static_cast<std::size_t>(segment.parent)];
    PositionWriter writer(packed.positions_3T.data_ptr<std::int64_t>() + packed.spans[s].begin, total, first);
    write_segment(segment, packed.spans[s].begin, config, writer, packed, rows);
    packed.next_position.push_back(writer.next());
  }
  packed.image_rows = at::tensor(rows.image, at::kLong);
  packed.video_rows = at::tensor(rows.video, at::kLong);
  return packed;
}

}  // namespace beholder::vlm
