// The prompts a generator is asked: one given on the command line, or a file of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace beholder::app {

struct PromptList {
  std::vector<std::string> prompts;    // each once, in order
  std::int64_t repeated = 0, bad = 0;  // lines that named a prompt again, and lines without one (warned of)
};

// A text file has a prompt a line; a file whose first line begins with { has JSON lines with "prompt", such as records. kNotFound, or
// kInvalidInput where no line has a prompt.
PromptList read_prompts(const std::string& path);

}  // namespace beholder::app
