#include "vlm/generate.h"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <memory>

#include "core/container.h"
#include "core/error.h"
#include "core/format.h"
#include "core/profile.h"
#include "vlm/attention.h"
#include "vlm/decoder.h"
#include "vlm/kv_cache.h"
#include "vlm/pick.h"
#include "vlm/step_graph.h"
#include "vlm/transfer.h"

namespace beholder::vlm {
namespace {

// A continuation that is still being sampled.
struct Live {
  std::size_t request, sample;
  std::int64_t last_id = 0, next_position = 0;
  bool done = false;
};

// Requests of one call with the same group size, decoded together.
class Rollout {
 public:
  Rollout(const Model& model, std::span<const Request> requests, const SamplingOptions& options, VisionCache* vision)
      : model_(model),
        step_model_(model),
        requests_(requests),
        options_(options),
        vision_(vision),
        group_(requests.front().num_generations) {
    step_model_.decoding = true;
    for (const Request& r : requests) results_.emplace_back(static_cast<std::size_t>(r.num_generations));
  }

  std::vector<std::vector<Completion>> run(const std::function<void(std::int64_t)>& on_token) {
    at::Tensor logits_SV = prefill();
    for (std::int64_t step = 0; step < options_.max_new_tokens; ++step) {
      take(logits_SV, step);
      if (on_token) on_token(sampled_);
      if (step + 1 == options_.max_new_tokens || !compact()) break;
      logits_SV = decode(step);
    }
    return std::move(results_);
  }

 private:
  at::Tensor prefill() {
    const ProfileSpan span("prefill");
    std::vector<Segment> prompts;
    std::vector<std::int64_t> lengths, last_rows;
    for (const Request& r : requests_) {
      prompts.push_back(r.prompt);
      lengths.push_back(static_cast<std::int64_t>(r.prompt.ids.size()));
    }
    const Packed packed = pack(model_.config, prompts);
    const AttentionPlan plan = plan_tree(packed.spans, model_.device);
    cache_ = std::make_unique<GroupCache>(model_.config.text.num_layers, lengths, group_, options_.max_new_tokens);
    const Attend attend_and_keep = [&](std::int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      cache_->set_prefix(layer, k, v);
      return attend(q, k, v, plan);
    };
    const at::Tensor hidden =
        run_layers(model_, embed(model_, packed, {}, vision_), text_rotary(model_, packed.positions_3T), attend_and_keep);
    for (const Span& prompt : packed.spans) last_rows.push_back(prompt.begin + prompt.length - 1);
    for (std::size_t r = 0; r < requests_.size(); ++r)
      for (int g = 0; g < group_; ++g) live_.push_back({r, static_cast<std::size_t>(g), 0, packed.next_position[r]});
    return logits(model_, hidden, at::tensor(last_rows, at::kLong)).repeat_interleave(group_, 0);
  }

  // Draws one token for every live continuation and notes which are done.
  void take(const at::Tensor& logits_SV, std::int64_t step) {
    const ProfileSpan span("draw tokens");
    std::vector<DrawKey> keys;
    for (const Live& l : live_) keys.push_back({requests_[l.request].item, l.sample, static_cast<std::uint64_t>(step)});
    const std::vector<Pick> picks = pick_tokens(logits_SV, keys, options_);
    for (std::size_t i = 0; i < live_.size(); ++i) {
      Live& l = live_[i];
      if (l.done) continue;  // a slot that only fills up its group
      Completion& completion = results_[l.request][l.sample];
      completion.ids.push_back(picks[i].id);
      completion.logprobs.push_back(picks[i].logprob);
      completion.watched.push_back(picks[i].watched);
      completion.finished = std::find(options_.stop_ids.begin(), options_.stop_ids.end(), picks[i].id) != options_.stop_ids.end();
      l.done = completion.finished;
      l.last_id = picks[i].id;
      ++sampled_;
    }
  }

  // Drops what is finished. False when nothing is live.
  bool compact() {
    std::vector<std::int64_t> slots;
    for (std::size_t slot = 0; slot < live_.size(); ++slot)
      if (!live_[slot].done) slots.push_back(static_cast<std::int64_t>(slot));
    if (slots.empty()) return false;
    if (cache_->wants_even_groups()) slots = evened(slots);
    // Copying the cache costs about as much as a few steps: wait until a quarter of the slots is idle.
    if (4 * slots.size() > 3 * live_.size()) return true;
    std::vector<Live> next;
    for (const std::int64_t slot : slots) next.push_back(live_[static_cast<std::size_t>(slot)]);
    cache_->keep(slots);
    live_ = std::move(next);
    input_ = {};
    graph_.forget();
    return true;
  }

  // The open slots, and of every request that has some so many finished ones that all have equally many.
  std::vector<std::int64_t> evened(const std::vector<std::int64_t>& open) const {
    std::map<std::int64_t, std::vector<std::int64_t>> by_request;
    std::size_t widest = 0;
    for (const std::int64_t slot : open) {
      auto& mine = by_request[cache_->request_of()[static_cast<std::size_t>(slot)]];
      mine.push_back(slot);
      widest = std::max(widest, mine.size());
    }
    for (std::size_t slot = 0; slot < live_.size(); ++slot)
      if (const auto found = by_request.find(cache_->request_of()[slot]); found != by_request.end())
        if (live_[slot].done && found->second.size() < widest) found->second.push_back(static_cast<std::int64_t>(slot));
    std::vector<std::int64_t> out;
    for (const auto& [request, mine] : by_request) out.insert(out.end(), mine.begin(), mine.end());
    return out;
  }

  // One token through the model for every live continuation: next logits [S, V].
  at::Tensor decode(std::int64_t step) {
    const ProfileSpan span("decode a token");
    const auto count = static_cast<std::int64_t>(live_.size());
    at::Tensor ids = at::empty({count}, at::kLong), positions = at::empty({count}, at::kLong);
    for (std::int64_t i = 0; i < count; ++i) {
      Live& l = live_[static_cast<std::size_t>(i)];
      ids.data_ptr<std::int64_t>()[i] = l.last_id;
      positions.data_ptr<std::int64_t>()[i] = l.next_position++;
    }
    feed({to_device(ids, model_.device, at::kLong), text_rotary(step_model_, positions.expand({3, count})), {}});
    cache_->begin_step(step);
    return graph_.run(model_.device, [this] { return next_logits(); });
  }

  // What the next step reads: always in the same tensors, until the cache is compacted.
  struct StepInput {
    at::Tensor ids_S{};
    Rotary rotary{};
    at::Tensor rows_S{};  // 0, 1, …
  };
  void feed(const StepInput& input) {
    if (!input_.ids_S.defined()) {
      input_ = input;
      input_.rows_S = at::arange(input.ids_S.size(0), input.ids_S.options());
      return;
    }
    input_.ids_S.copy_(input.ids_S);
    input_.rotary.cos.copy_(input.rotary.cos);
    input_.rotary.sin.copy_(input.rotary.sin);
  }

  at::Tensor next_logits() {
    const at::Tensor x = at::embedding(weight(step_model_, "model.embed_tokens.weight"), input_.ids_S);
    const Attend attend_cached = [this](std::int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      return cache_->attend(layer, q, k, v);
    };
    return logits(step_model_, run_layers(step_model_, {x}, input_.rotary, attend_cached), input_.rows_S);
  }

  const Model& model_;
  Model step_model_;  // the same tensors, for one token of each sequence
  std::span<const Request> requests_;
  const SamplingOptions& options_;
  VisionCache* vision_;
  std::int64_t group_, sampled_ = 0;
  std::unique_ptr<GroupCache> cache_;
  StepInput input_;
  StepGraph graph_;
  std::vector<Live> live_;  // one per slot of the cache, in its order
  std::vector<std::vector<Completion>> results_;
};

// The model with its weights in the dtype of the computation: a cast where each is used would cost more than the token.
Model cast_once(const Model& model) {
  Model out = model;
  for (const auto& [name, value] : model.params.all()) out.params.set(name, value.to(model.dtype));  // the same tensor where it fits
  return out;
}

// Bytes of keys and values while these are sampled together.
std::int64_t planned_bytes(const Model& model, std::span<const Request> requests, std::int64_t max_new_tokens) {
  const hf::TextConfig& t = model.config.text;
  std::size_t longest = 0;
  for (const Request& r : requests) longest = std::max(longest, r.prompt.ids.size());
  return GroupCache::bytes({.layers = t.num_layers,
                            .heads = t.num_kv_heads,
                            .d = t.head_dim,
                            .requests = std::ssize(requests),
                            .longest_prefix = static_cast<std::int64_t>(longest),
                            .group_size = requests.front().num_generations,
                            .max_suffix = max_new_tokens},
                           model.dtype, GroupCache::fuses(model.device, model.dtype, t.head_dim));
}

// How much memory keys and values may have: of the host a quarter.
std::int64_t memory_for_cache(at::Device device) {
  constexpr std::int64_t kOfDevice = std::int64_t{16} << 30;
  return device.is_cpu() ? usable_memory_bytes() / 4 : kOfDevice;
}

// One request is answered together, whatever its keys and values take, unless no memory holds them.
void check_memory(const Model& model, std::int64_t bytes, const Request& request, std::int64_t max_new_tokens) {
  if (!model.device.is_cpu() || bytes <= usable_memory_bytes()) return;
  constexpr double kGb = 1 << 30;
  throw Error(Code::kResource, "sampling",
              format("keys and values of {} answers of {} tokens take {:.1f} GB; there are {:.1f}", request.num_generations, max_new_tokens,
                     static_cast<double>(bytes) / kGb, static_cast<double>(usable_memory_bytes()) / kGb),
              "ask for fewer answers (--votes, --num-generations) or shorter ones (--max-completion-length)");
}

void check_options(const Model& model, std::span<const Request> requests, const SamplingOptions& options) {
  for (const auto* ids : {&options.stop_ids, &options.banned_ids, &options.watch_ids})
    for (const std::int64_t id : *ids)
      require_internal(id >= 0 && id < model.config.text.vocab_size, format("token {} is outside the vocabulary", id));
  for (const Request& r : requests) {
    require_internal(r.num_generations > 0 && r.prompt.parent < 0 && !r.prompt.ids.empty(), "a request needs a root prompt and G > 0");
    const auto length = static_cast<std::int64_t>(r.prompt.ids.size()) + options.max_new_tokens;
    if (model.config.text.max_position_embeddings > 0 && length > model.config.text.max_position_embeddings)
      throw Error(Code::kInvalidInput, "prompt",
                  format("{} tokens with the answer, the model takes {}", length, model.config.text.max_position_embeddings),
                  "use fewer or smaller images (--max-pixels) or a smaller --max-completion-length");
  }
}

}  // namespace

std::vector<std::vector<Completion>> ModelSampler::sample(std::span<const Request> requests, const SamplingOptions& options,
                                                          const std::function<void(std::int64_t)>& on_token) {
  const at::NoGradGuard no_grad;
  check_options(model_, requests, options);
  const Model model = cast_once(model_);
  std::vector<std::vector<Completion>> results;
  const std::int64_t budget = options.cache_bytes > 0 ? options.cache_bytes : memory_for_cache(model.device);
  for (std::size_t first = 0; first < requests.size();) {  // neighbours with equal G share a rollout as far as the memory goes
    const auto bytes_of = [&](std::size_t count) { return planned_bytes(model, requests.subspan(first, count), options.max_new_tokens); };
    check_memory(model, bytes_of(1), requests[first], options.max_new_tokens);
    std::size_t last = first + 1;
    while (last < requests.size() && requests[last].num_generations == requests[first].num_generations &&
           bytes_of(last + 1 - first) <= budget)
      ++last;
    cache_bytes_ = std::max(cache_bytes_, bytes_of(last - first));
    Rollout rollout(model, requests.subspan(first, last - first), options, cache_);
    for (auto& group : rollout.run(on_token)) results.push_back(std::move(group));
    first = last;
  }
  return results;
}

}  // namespace beholder::vlm
