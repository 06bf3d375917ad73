#include "judge/judge_model.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/format.h"
#include "core/profile.h"
#include "hf/hub.h"
#include "hf/peft.h"

namespace beholder::judge {
namespace {

// A larger checkpoint is mapped and read page by page as it is used; looking at all of it first would take minutes. There the
// sampler stops at the first scores that are not numbers.
constexpr std::int64_t kCheckedParameters = 1'000'000'000;

[[noreturn]] void mismatch(const std::string& dir, const std::string& what) {
  throw Error(Code::kUnsupported, dir, what, "put the files of one checkpoint in the folder");
}

void check_tokenizer(const JudgeSpec& spec, const std::string& dir) {
  if (spec.tokenizer.size() > spec.config.text.vocab_size) {
    mismatch(dir, format("the tokenizer has {} tokens, the embedding {} rows", spec.tokenizer.size(), spec.config.text.vocab_size));
  }
  const std::array<std::pair<std::string_view, std::int64_t>, 4> expected{{{"<|image_pad|>", spec.config.image_token_id},
                                                                           {"<|video_pad|>", spec.config.video_token_id},
                                                                           {"<|vision_start|>", spec.config.vision_start_token_id},
                                                                           {"<|vision_end|>", spec.config.vision_end_token_id}}};
  for (const auto& [text, id] : expected) {
    const auto found = spec.tokenizer.token_id(text);
    if (found != id) {
      mismatch(dir, format("{} is {} in config.json and {} in the tokenizer", text, id, found ? std::to_string(*found) : "missing"));
    }
  }
}

void check_patches(const JudgeSpec& spec, const std::string& dir) {
  const auto& vision = spec.config.vision;
  const auto& patches = spec.patches;
  if (vision.patch_size == patches.patch_size && vision.temporal_patch_size == patches.temporal_patch_size &&
      vision.spatial_merge_size == patches.merge_size) {
    return;
  }
  mismatch(dir, format("patch, temporal patch and merge sizes are {} {} {} in config.json and {} {} {} in preprocessor_config.json",
                       vision.patch_size, vision.temporal_patch_size, vision.spatial_merge_size, patches.patch_size,
                       patches.temporal_patch_size, patches.merge_size));
}

std::vector<std::int64_t> find_index_ids(const hf::Tokenizer& tokenizer, const std::string& dir) {
  std::vector<std::int64_t> ids;
  for (int i = 1; i <= kMaxMedia; ++i) {
    const std::vector<std::int64_t> tokens = tokenizer.encode(std::to_string(i), hf::Specials::kPlain);
    if (tokens.size() != 1) {
      throw Error(Code::kUnsupported, dir, format("the index {} is {} tokens", i, tokens.size()),
                  format("the judge's answer must be one token; use the tokenizer of a {} checkpoint", hf::supported_families()));
    }
    ids.push_back(tokens[0]);
  }
  return ids;
}

void add_unique(std::vector<std::int64_t>& ids, std::int64_t id) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

}  // namespace

JudgeSpec load_judge_spec(const std::string& model_dir) {
  const std::string dir = hf::base_model_dir(model_dir);
  hf::ModelConfig config = hf::read_model_config(dir);
  JudgeSpec spec{hf::Tokenizer::load(dir), std::move(config), media::read_patch_config(dir), {}, {}, {}};
  check_tokenizer(spec, dir);
  check_patches(spec, dir);
  spec.index_ids = find_index_ids(spec.tokenizer, dir);
  spec.stop_ids = hf::read_generation_config(dir, spec.config).eos_token_ids;
  if (const auto end = spec.tokenizer.token_id("<|im_end|>")) add_unique(spec.stop_ids, *end);
  if (spec.stop_ids.empty()) mismatch(dir, "no token ends a turn: neither generation_config.json nor the tokenizer names one");
  for (const char* text : {"<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"}) {
    if (const auto id = spec.tokenizer.token_id(text)) add_unique(spec.banned_ids, *id);
  }
  for (std::int64_t id = spec.tokenizer.size(); id < spec.config.text.vocab_size; ++id) spec.banned_ids.push_back(id);
  return spec;
}

JudgeModel load_judge_model(const std::string& model, const vlm::LoadOptions& options) {
  const ProfileSpan span("load judge");
  std::string dir = hf::resolve_model_dir(model);
  JudgeSpec spec = load_judge_spec(dir);
  vlm::Model weights = vlm::load_model(dir, options);
  if (weights.params.numel() <= kCheckedParameters) vlm::check_finite(weights);
  return {std::move(dir), std::move(spec), std::move(weights)};
}

}  // namespace beholder::judge
