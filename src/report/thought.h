// A judge's thought, cut up for reading: which sentences speak of which medium, which of their words tell the media apart,
// and which faults are named. The text itself stays as it was written; the spans in order are the thought, byte for byte.
#pragma once

#include <string_view>
#include <vector>

namespace beholder::report {

enum class Mark {
  kPlain,
  kDifferent,  // words that at least half of the other media's sections lack
  kFault,      // a fault named after "Faults:"
  kNoFault,    // "none" after "Faults:"
};

struct ThoughtSpan {
  std::string_view text;  // of the thought
  Mark mark = Mark::kPlain;
};

struct ThoughtSection {
  int medium = 0;  // 1-based, as the judge numbered what it saw; 0: speaks of none in particular
  std::vector<ThoughtSpan> spans;
};

// Sections begin where a line or sentence opens with "Image k", "Video k", "Picture k" or "Photo k", 1 <= k <= media. A text
// without such openings is one section of medium 0. Differences are marked when every medium has exactly one section and
// they have enough words in common to be compared.
std::vector<ThoughtSection> read_thought(std::string_view thought, int media);

}  // namespace beholder::report
