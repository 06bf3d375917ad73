#include "gen/generator.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"

namespace beholder::gen {

PromptTokens tokenize_prompts(const hf::Tokenizer& tokenizer, const Model& model, std::span<const std::string> prompts) {
  const GeneratorConfig& config = model.config;
  const std::int64_t length = config.text.max_length, rows = std::ssize(prompts);
  PromptTokens out{torch::full({rows, length}, config.text.end_token_id, at::kLong), torch::zeros({rows, length}, at::kBool)};
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::string& prompt = prompts[static_cast<std::size_t>(row)];
    const std::vector<std::int64_t> ids = tokenizer.encode(prompt, hf::Specials::kPlain);
    const std::int64_t used = std::ssize(ids) + 1;
    if (used > length)
      throw Error(Code::kInvalidInput, format("prompt \"{}{}\"", prompt.substr(0, 40), prompt.size() > 40 ? "…" : ""),
                  format("has {} tokens, the generator reads {}", ids.size(), length - 1),
                  "shorten it; words the generator knows take one token");
    if (!ids.empty()) out.ids_BL[row].narrow(0, 0, used - 1).copy_(torch::tensor(ids, at::kLong));
    out.mask_BL[row].narrow(0, 0, used).fill_(true);
  }
  return {out.ids_BL.to(model.device), out.mask_BL.to(model.device)};
}

Generator load_generator(const std::string& dir, at::Device device) {
  Generator generator{load_model(dir, device), hf::Tokenizer::load(dir)};
  const TextConfig& text = generator.model.config.text;
  if (generator.tokenizer.size() > text.vocab_size || generator.tokenizer.token_id(kEndToken) != text.end_token_id)
    throw Error(Code::kUnsupported, dir,
                format("the tokenizer ({} tokens) does not fit config.json ({} rows, end token {})", generator.tokenizer.size(),
                       text.vocab_size, text.end_token_id),
                "use the tokenizer.json that came with the weights");
  return generator;
}

}  // namespace beholder::gen
