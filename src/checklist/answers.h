// Stored answers to a checklist, one medium a line:
//   {"id":"7a", "prompt":"a red cup", "media":"7a.png", "alignment":0.83, "answers":["yes","no",0.31,null,…]}
// An answer is "yes", "no" (any case; "<|endoftext|>" and its like behind it are cut off) or P(yes); null and every other text count as no,
// as in VisionReward's code, and are counted. "media" is a file or a video's {"frames": […], "fps": f}.
// VisionRewardDB's names are read, too: "internal_id", "meta_result" (1 and 0) and "meta_mask" (0: the question does not count here), at
// the top or under "meta".
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checklist/checklist.h"
#include "core/json.h"
#include "core/lines.h"
#include "core/progress.h"
#include "data/record.h"
#include "data/stream.h"

namespace beholder::checklist {

struct AnswerSheet {
  std::string id, prompt, media;  // prompt and media may be empty; a video of frames goes by its first one here
  double alignment = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> p_yes;  // per question, in [0, 1]
  std::vector<bool> counts;   // per question; false: left out of the score by "mask"
  int unanswered = 0;         // answers that were neither yes, no nor a number
  data::MediaRef ref{};       // the whole medium; empty without "media"

  const std::string& name() const { return media.empty() ? id : media; }
};

// A medium as records and answers write it: a path, or {"frames", "fps"}.
Json media_json(const data::MediaRef& ref);
// What a medium is found by: its path, or all of its frames.
std::string media_key(const data::MediaRef& ref);

// kCorrupt or kInvalidInput for a line that is none: another number of answers, a number or an alignment outside [0, 1], no alignment where
// the list has one.
AnswerSheet parse_answers(const Json& value, const Checklist& list, const std::string& where);

// Streams JSON lines, of standard input for "-", or a public data set with answers (data/dataset.h): a folder, or a file of another form. A
// bad line is a value, one without a single yes or no is warned about. kInvalidInput for a data set without alignment scores where the
// list has one.
class AnswerReader {
 public:
  AnswerReader(const std::string& path, const Checklist& list);
  struct Line {
    std::int64_t number = 0;
    std::optional<AnswerSheet> sheet;
    std::string error;
  };
  std::optional<Line> next();

 private:
  std::optional<Line> next_line();
  std::optional<Line> next_record();
  std::string path_;
  Warnings silent_;  // lines without a yes or a no
  std::optional<LineReader> lines_;
  std::unique_ptr<data::RecordStream> records_;  // or these
  const Checklist& list_;
};

// A whole file, to be looked up by id, or by media name (with the prompt where the sheet has one).
struct AnswerTable {
  std::vector<AnswerSheet> sheets;
  std::int64_t bad = 0, unanswered = 0;

  // Null where there is none. `name`: an id, or else a media_key.
  const AnswerSheet* find(const std::string& name, const std::string& prompt = {}) const;

  std::map<std::string, std::size_t> by_id;
  std::map<std::pair<std::string, std::string>, std::size_t> by_media;  // (media_key, prompt)
};
// Bad lines are logged and counted. kInvalidInput for an id, or a medium for the same prompt, that stands twice, and for a file without
// answers.
AnswerTable read_answer_table(const std::string& path, const Checklist& list);

}  // namespace beholder::checklist
