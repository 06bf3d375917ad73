// For tests: the stored cases of tests/data/vlm, made by tools/oracle_vlm.py and tools/oracle_peft.py.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <map>
#include <string>

#include "core/json.h"
#include "vlm/packed.h"
#include "vlm/trace.h"

namespace beholder::vlm {

inline const std::string kData = std::string(BEHOLDER_SOURCE_DIR) + "/tests/data/vlm";

inline at::Tensor read(const hf::SafeTensors& file, const std::string& name) {
  const hf::TensorView* view = file.find(name);
  EXPECT_NE(view, nullptr) << name;
  const auto type = view->dtype == hf::DType::kI64 ? at::kLong : at::kFloat;
  at::Tensor out = at::empty(view->shape, type);
  std::memcpy(out.data_ptr(), view->bytes.data(), view->bytes.size());
  return out;
}

inline std::string checkpoint_dir(const std::string& preset) {
  return preset == "embedded" ? std::string(BEHOLDER_SOURCE_DIR) + "/models/embedded" : kData + "/" + preset;
}

struct Loaded {
  explicit Loaded(const std::string& preset, at::Device device = at::kCPU)
      : model(load_model(checkpoint_dir(preset), {.dtype = {}, .device = device})),
        tokenizer(hf::Tokenizer::load(checkpoint_dir(preset))),
        patches(media::read_patch_config(checkpoint_dir(preset))) {}
  Model model;
  hf::Tokenizer tokenizer;
  media::PatchConfig patches;
  std::map<std::string, at::Tensor> trace(const Json& one) const { return trace_case(model, tokenizer, patches, one, kData + "/cases"); }
};

inline Json find_case(const std::string& name) {
  const Json cases = read_json(kData + "/cases/cases.json");
  for (const Json& one : cases)
    if (one["name"] == name) return one;
  throw std::runtime_error("no case " + name);
}

inline double relative_error(const at::Tensor& ours, const at::Tensor& theirs) {
  return ((ours - theirs).norm() / (theirs.norm() + 1e-30)).item<double>();
}

// A prompt of the given case, as a root segment: its pictures, then its videos, as the cases have them.
inline Segment prompt_of(const Loaded& loaded, const std::string& name) {
  auto t = loaded.trace(find_case(name));
  Segment prompt;
  const at::Tensor ids = t["input_ids"][0].contiguous();
  prompt.ids.assign(ids.data_ptr<std::int64_t>(), ids.data_ptr<std::int64_t>() + ids.numel());
  for (const bool video : {false, true}) {
    const at::Tensor grids = t[video ? "video_grid_thw" : "image_grid_thw"], values = t[video ? "pixel_values_videos" : "pixel_values"];
    std::int64_t row = 0;
    for (std::int64_t i = 0; grids.defined() && i < grids.size(0); ++i) {
      Media m;
      m.video = video;
      m.t = grids[i][0].item<std::int64_t>(), m.h = grids[i][1].item<std::int64_t>(), m.w = grids[i][2].item<std::int64_t>();
      m.patches = values.narrow(0, row, m.t * m.h * m.w);
      if (video && t.count("second_per_grid_ts")) m.second_per_grid = t["second_per_grid_ts"][i].item<double>();
      row += m.t * m.h * m.w;
      prompt.media.push_back(m);
    }
  }
  return prompt;
}

// Mean cross-entropy of a prompt's text tokens, as tools/oracle_vlm.py has it.
inline at::Tensor prompt_loss(const Model& model, const Segment& prompt) {
  std::vector<std::int64_t> rows, targets;
  for (std::size_t i = 1; i < prompt.ids.size(); ++i) {
    if (prompt.ids[i] == model.config.image_token_id || prompt.ids[i] == model.config.video_token_id) continue;
    rows.push_back(static_cast<std::int64_t>(i) - 1);
    targets.push_back(prompt.ids[i]);
  }
  const at::Tensor hidden = forward(model, pack(model.config, {&prompt, 1}));
  return -token_logprobs(model, hidden, at::tensor(rows, at::kLong), at::tensor(targets, at::kLong)).mean();
}

// Every parameter becomes a leaf of its own; their names.
inline std::vector<std::string> make_leaves(Model& model) {
  std::vector<std::string> names;
  for (const auto& [name, value] : model.params.all()) names.push_back(name);
  for (const std::string& name : names) model.params.set(name, model.params[name].clone().set_requires_grad(true));
  return names;
}

}  // namespace beholder::vlm
