// The embedded world as a generator's teacher.
#include "core/error.h"
#include "core/format.h"
#include "gen/pixels.h"
#include "train/flow_source.h"
#include "world/render.h"
#include "world/sample.h"

namespace beholder::train {
namespace {

class WorldFlowSource : public FlowSource {
 public:
  WorldFlowSource(const WorldFlowOptions& options, const gen::GeneratorConfig& config) : options_(options), config_(config) {
    const bool fits = config.is_video() ? config.num_frames == world::kVideoFrames && config.image_size == world::kVideoSide
                                        : config.image_size >= world::kMinSide;
    if (!fits)
      throw Error(Code::kUsage, "init.image_size",
                  format("the embedded world has no {} frames of {} px", config.num_frames, config.image_size),
                  format("pictures of at least {0} px, or videos of {1} frames of {0} px", world::kMinSide, world::kVideoFrames));
  }

  FlowExample example(std::int64_t step, std::int64_t index) const override {
    const std::int64_t number = step * options_.batch_size + index;
    Rng rng = rng_of(number);
    const world::Prompt prompt = world::sample_prompt(rng, world::Combinations::kSeen);
    const bool faults = rng.chance(options_.fault_share), flat = rng.chance(0.5);
    const world::Scene scene = world::sample_scene(rng, prompt,
                                                   {.generator = flat ? world::GeneratorKind::kFlat : world::GeneratorKind::kOutlined,
                                                    .odds = faults ? world::Odds::kGenerator : world::Odds::kNone,
                                                    .video = config_.is_video(),
                                                    .side = static_cast<int>(config_.image_size)});
    std::vector<media::Image> frames;
    for (int t = 0; t < scene.frames; ++t) frames.push_back(world::render(scene, t));
    return {.id = format("scene-{}", number), .prompt = prompt.text(), .clean = gen::from_images(frames), .rejected = {}, .problem = {}};
  }

  std::vector<std::string> prompts(std::int64_t n) const override {
    std::vector<std::string> out;
    for (std::int64_t number = 0; std::ssize(out) < n; ++number) {
      Rng rng = rng_of(number);
      const std::string text = world::sample_prompt(rng, world::Combinations::kSeen).text();
      if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
    }
    return out;
  }

 private:
  Rng rng_of(std::int64_t number) const {
    return Rng(static_cast<std::uint64_t>(options_.seed), stable_hash(config_.is_video() ? "video lesson" : "image lesson"),
               static_cast<std::uint64_t>(options_.split), static_cast<std::uint64_t>(number));
  }

  WorldFlowOptions options_;
  gen::GeneratorConfig config_;
};

}  // namespace

std::unique_ptr<FlowSource> world_flow_source(const WorldFlowOptions& options, const gen::GeneratorConfig& config) {
  return std::make_unique<WorldFlowSource>(options, config);
}

}  // namespace beholder::train
