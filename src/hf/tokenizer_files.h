// What a tokenizer's files say, checked: tokenizer.json, or vocab.json + merges.txt + tokenizer_config.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hf/bpe.h"

namespace beholder::hf {

// A token that is cut out of the text before anything else happens to it.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool special = false;                 // left out by decode(skip_special)
  bool lstrip = false, rstrip = false;  // takes the white space on that side with it
  bool normalized = false;              // looked for after NFC instead of before
};

struct TokenizerSpec {
  Vocabulary vocabulary;  // size is 1 + the largest id; ids of added tokens may be empty there
  std::vector<AddedToken> added;
  std::string split_pattern;
  bool nfc = true;
  bool ignore_merges = false;  // a piece that is a token is not split
};

// kNotFound (neither set of files), kCorrupt (ids with holes or clashes, merges of unknown tokens, broken JSON),
// kUnsupported (a tokenizer that is not byte-level BPE, named).
TokenizerSpec read_tokenizer_spec(const std::string& dir);

}  // namespace beholder::hf
