// Words that a judge answers with as single tokens, for a tokenizer that has none: merges at the end of its list, and ids of embedding rows
// that no token has. Merges at the end apply last, so a text that was tokens before stays those tokens unless it holds these very letters
// as loose ones. Published checkpoints have "yes" and "no" and are left as they are; the embedded judge's small tokenizer needs this.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "judge/judge_model.h"

namespace beholder::train {

// Changes tokenizer.json, vocab.json and merges.txt among the small files of a model folder (fresh_model.h). `words`: ASCII letters.
// Returns whether anything was added. kUnsupported where the embedding has no rows to spare, naming `where`.
bool add_word_tokens(std::map<std::string, std::string>& files, const judge::JudgeSpec& spec, std::span<const std::string> words,
                     const std::string& where);

}  // namespace beholder::train
