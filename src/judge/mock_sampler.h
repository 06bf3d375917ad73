// Test support: a tiny checkpoint folder without weights, media whose only content is a known quality, and a sampler whose
// completions come from a function. Used by this room's tests and by others that need a judge without a model.
#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "judge/judge.h"

namespace beholder::judge {

// GPT-2's printable stand-in for each byte, the alphabet of byte-level BPE files.
inline std::string byte_symbol(int byte) {
  int code = byte;
  const auto printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255); };
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 128) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
}

inline constexpr const char* kMockSpecials[] = {"<|endoftext|>",  "<|im_start|>",   "<|im_end|>",    "<|vision_start|>",
                                                "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"};

struct MockFiles {
  Json vocab, config, preprocessor, generation, tokenizer_config;
  std::string merges = "#version: 0.2\n";
};

// 256 bytes, a few merges (so that tags are several tokens and ">\n" is one), the special tokens.
inline MockFiles mock_files() {
  MockFiles files;
  int next = 0;
  for (int byte = 0; byte < 256; ++byte) files.vocab[byte_symbol(byte)] = next++;
  const std::vector<std::pair<std::string, std::string>> merges{
      {"a", "n"}, {"s", "w"}, {"e", "r"}, {"an", "sw"}, {"answ", "er"}, {"<", "answer"}, {">", byte_symbol('\n')}};
  for (const auto& [left, right] : merges) {
    files.vocab[left + right] = next++;
    files.merges += left + " " + right + "\n";
  }
  const int first_special = next;
  for (const char* text : kMockSpecials) {
    files.tokenizer_config["added_tokens_decoder"][std::to_string(next)] = {
        {"content", text}, {"lstrip", false}, {"normalized", false}, {"rstrip", false}, {"single_word", false}, {"special", true}};
    ++next;
  }
  files.tokenizer_config["tokenizer_class"] = "Qwen2Tokenizer";
  files.config = {{"architectures", {"Qwen2_5_VLForConditionalGeneration"}},
                  {"model_type", "qwen2_5_vl"},
                  {"hidden_size", 16},
                  {"intermediate_size", 32},
                  {"num_hidden_layers", 1},
                  {"num_attention_heads", 2},
                  {"num_key_value_heads", 1},
                  {"rms_norm_eps", 1e-6},
                  {"rope_theta", 10000.0},
                  {"vocab_size", next + 3},
                  {"max_position_embeddings", 4096},
                  {"tie_word_embeddings", true},
                  {"torch_dtype", "float32"},
                  {"rope_scaling", {{"type", "mrope"}, {"mrope_section", {2, 1, 1}}}},
                  {"image_token_id", first_special + 6},
                  {"video_token_id", first_special + 7},
                  {"vision_start_token_id", first_special + 3},
                  {"vision_end_token_id", first_special + 4},
                  {"vision_config",
                   {{"depth", 1},
                    {"hidden_size", 16},
                    {"intermediate_size", 32},
                    {"num_heads", 2},
                    {"out_hidden_size", 16},
                    {"in_channels", 3},
                    {"patch_size", 8},
                    {"temporal_patch_size", 2},
                    {"spatial_merge_size", 2},
                    {"window_size", 32},
                    {"fullatt_block_indexes", {0}},
                    {"tokens_per_second", 2},
                    {"hidden_act", "silu"}}}};
  files.preprocessor = {{"patch_size", 8},
                        {"temporal_patch_size", 2},
                        {"merge_size", 2},
                        {"min_pixels", 256},
                        {"max_pixels", 65536},
                        {"image_mean", {0.5, 0.5, 0.5}},
                        {"image_std", {0.25, 0.25, 0.25}},
                        {"image_processor_type", "Qwen2VLImageProcessor"}};
  files.generation = {{"eos_token_id", {first_special + 2, first_special}}, {"pad_token_id", first_special}};
  return files;
}

inline void write_mock_files(const std::string& dir, const MockFiles& files) {
  write_file_atomic(dir + "/vocab.json", files.vocab.dump());
  write_file_atomic(dir + "/merges.txt", files.merges);
  write_file_atomic(dir + "/tokenizer_config.json", files.tokenizer_config.dump());
  write_file_atomic(dir + "/config.json", files.config.dump());
  write_file_atomic(dir + "/preprocessor_config.json", files.preprocessor.dump());
  write_file_atomic(dir + "/generation_config.json", files.generation.dump());
}

inline JudgeSpec mock_spec() {
  TempDir dir;
  write_mock_files(dir.path(), mock_files());
  return load_judge_spec(dir.path());
}

inline Medium mock_medium(const std::string& name, double quality, const std::string& hash = {}) {
  vlm::Media media;
  media.patches = torch::full({4, 2}, quality);
  media.h = media.w = 2;
  return {name, hash.empty() ? name : hash, media};
}

struct MockAnswer {
  std::string text;
  std::vector<double> p;  // over the indices, at the decision position
  bool finished = true;
};

// Called with the qualities in the order shown, the number of the vote and the request's key.
using MockMind = std::function<MockAnswer(const std::vector<double>& qualities, int vote, std::uint64_t item)>;

class MockSampler : public vlm::Sampler {
 public:
  MockSampler(const JudgeSpec& spec, MockMind mind) : spec_(spec), mind_(std::move(mind)) {}

  std::vector<std::vector<vlm::Completion>> sample(std::span<const vlm::Request> requests, const vlm::SamplingOptions& options,
                                                   const std::function<void(std::int64_t)>& on_token) override {
    calls.push_back(options);
    std::vector<std::vector<vlm::Completion>> out;
    for (const vlm::Request& request : requests) {
      asked.push_back(request);
      std::vector<double> qualities;
      for (const vlm::Media& medium : request.prompt.media) qualities.push_back(medium.patches[0][0].item<float>());
      std::vector<vlm::Completion>& group = out.emplace_back();
      for (int g = 0; g < request.num_generations; ++g) group.push_back(complete(mind_(qualities, g, request.item), options));
      if (on_token) on_token(1);
    }
    return out;
  }

  std::vector<vlm::Request> asked;
  std::vector<vlm::SamplingOptions> calls;

 private:
  // Every step claims to be sure of index 1, except the decision: found by counting the tokens of the text before the
  // digit, which is a token boundary because digits stand alone.
  vlm::Completion complete(const MockAnswer& answer, const vlm::SamplingOptions& options) const {
    vlm::Completion out;
    out.ids = spec_.tokenizer.encode(answer.text, hf::Specials::kPlain);
    std::size_t decision = out.ids.size();
    const std::size_t open = answer.text.find("<answer>");
    const std::size_t digit = open == std::string::npos ? open : answer.text.find_first_of("0123456789", open);
    if (digit != std::string::npos) decision = spec_.tokenizer.encode(answer.text.substr(0, digit), hf::Specials::kPlain).size();
    out.finished = answer.finished;
    if (answer.finished) out.ids.push_back(options.stop_ids.at(0));
    for (std::size_t i = 0; i < out.ids.size(); ++i) {
      std::vector<float> watched(options.watch_ids.size(), -30.0F);
      if (!watched.empty()) watched[0] = 0;
      for (std::size_t k = 0; i == decision && k < answer.p.size() && k < watched.size(); ++k) {
        watched[k] = static_cast<float>(std::log(answer.p[k] * 0.9));  // a tenth of the mass is on other tokens
      }
      out.watched.push_back(std::move(watched));
      out.logprobs.push_back(-0.5F);
    }
    return out;
  }

  const JudgeSpec& spec_;
  MockMind mind_;
};

}  // namespace beholder::judge
