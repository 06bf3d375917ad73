// Trains a byte-level BPE vocabulary with Qwen's split pattern, and writes it as tokenizer files that transformers loads as
// Qwen2TokenizerFast.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hf/bpe.h"

namespace beholder::hf {

// The most frequent neighbours are joined until there are `vocab_size` tokens, or no two neighbours are left: the result may
// be smaller. Of equally frequent pairs the one with the smaller ids is joined, so the result depends on the texts alone.
// The first 256 tokens are the bytes in the order of their printable characters. kUsage: vocab_size below 256.
// kInvalidInput: a text that is not UTF-8.
Vocabulary train_bpe(std::span<const std::string> texts, std::int64_t vocab_size);

// Qwen2-VL's added tokens in their published order: the control tokens, then those that are not special.
const std::vector<std::string>& qwen_special_tokens();
const std::vector<std::string>& qwen_plain_tokens();

struct TokenizerFiles {
  std::vector<std::string> special = qwen_special_tokens();  // ids follow the vocabulary's, in this order
  std::vector<std::string> plain = qwen_plain_tokens();
  std::int64_t model_max_length = 131072;
};

// Writes tokenizer.json, vocab.json, merges.txt, tokenizer_config.json (with Qwen2-VL's chat template) and
// chat_template.json into `dir`. kInvalidInput: an added token that the vocabulary or the list already has,
// or special tokens without <|im_end|> and <|endoftext|>.
void write_tokenizer(const std::string& dir, const Vocabulary& vocabulary, const TokenizerFiles& files = {});

}  // namespace beholder::hf
