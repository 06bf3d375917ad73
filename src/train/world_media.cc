#include "train/world_media.h"

#include "core/format.h"
#include "judge/prompt.h"

namespace beholder::train {

std::vector<judge::Medium> world_media(const world::Item& item, const media::PatchConfig& patches) {
  std::vector<judge::Medium> out;
  const auto add = [&](vlm::Media media) {
    const std::string name = format("{}-{}", item.id, out.size() + 1);
    out.push_back({name, name, std::move(media)});
  };
  if (item.is_video()) {
    for (const auto& frames : world::render_item_frames(item)) add(judge::prepare_video(frames, world::kVideoFps, patches));
  } else {
    for (const media::Image& image : world::render_item(item)) add(judge::prepare_image(image, patches));
  }
  return out;
}

}  // namespace beholder::train
