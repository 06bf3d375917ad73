#include "train/sft_source.h"

#include "core/error.h"

namespace beholder::train {
namespace {

std::int64_t turn_end(const judge::JudgeSpec& spec) {
  const auto id = spec.tokenizer.token_id("<|im_end|>");
  if (id) return *id;
  require_internal(!spec.stop_ids.empty(), "a judge has a stop token");
  return spec.stop_ids[0];
}

}  // namespace

SftExample make_example(const judge::JudgeSpec& spec, std::string id, std::span<const vlm::Media> media, std::string_view prompt,
                        judge::AnswerKind kind, std::string_view completion) {
  judge::check_prompt(prompt);
  SftExample example;
  example.id = std::move(id);
  example.segment = judge::judge_segment(spec.tokenizer, spec.config, media, prompt, kind);
  example.completion_begin = static_cast<std::int64_t>(example.segment.ids.size());
  for (const std::int64_t token : spec.tokenizer.encode(completion, hf::Specials::kPlain)) example.segment.ids.push_back(token);
  example.segment.ids.push_back(turn_end(spec));
  return example;
}

}  // namespace beholder::train
