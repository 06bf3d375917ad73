// The loop from media to answers: the operands' media, or those of records, each once and in order, to something that answers questions
// about them (a model, or the world's inspector), and its answers to JSON lines that a stopped run can continue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/jsonl_out.h"
#include "core/json.h"
#include "data/record.h"

namespace beholder::app {

// What is asked about: files and folders with one prompt, or with prompts beside them (data/media_tree.h); or the records of `in`, which
// may be such a folder, too.
struct MediaInputs {
  std::string prompt, in;
  std::vector<std::string> operands;
};

// One medium of them. `name`: what people call it.
struct AskedMedium {
  const data::MediaRef& ref;
  const std::string &id, &name, &prompt;
};

class MediaAnswerer {
 public:
  virtual ~MediaAnswerer() = default;
  virtual void expect(const data::MediaRef&) {}  // it will be taken soon
  // Reads the medium and keeps it waiting; false: it is not one to be asked about. Errors are those of one medium (kNotFound, kCorrupt,
  // kUnsupported, kInvalidInput, kResource), others end the run.
  virtual bool take(const AskedMedium& medium) = 0;
  virtual bool full() const = 0;  // those that wait should be asked now
  // {"id", "prompt"?, "media", "alignment"?, "answers": [P(yes) …]} of each that waits, in order; none waits afterwards. Of a video of
  // frames the sink gets them all in place of its name.
  virtual std::vector<Json> answer(const std::function<void(std::int64_t)>& done) = 0;
};

// What takes the answers. A record that could not be asked has "error" in place of the answers.
struct AskSink {
  std::function<bool(const std::string&)> done;          // whether this id is there already; empty: none is
  std::function<bool(const std::string&)> will_be_done;  // whether `done` would say so, for media that come soon; empty: none is
  std::function<void(const Json&)> take;
  // Called for a medium whose id is there already (`medium`: checklist::media_key), to see that it is the same one; empty: nobody looks.
  std::function<void(const std::string& id, const std::string& medium, const std::string& prompt)> kept = {};
  std::string keep_hint;  // what to do after Ctrl-C
  std::int64_t done_before = 0;
};
void check_apart(const std::string& in, const std::string& out);  // kUsage where they are one file: before `out` is opened
AskSink sink_to(JsonlOut& out);                                   // `take` writes; it may be set anew
struct AskCounts {
  // Asked, of which could not be; media that came again with the same prompt; media that are not ones to be asked about.
  std::int64_t media = 0, failed = 0, repeated = 0, left_out = 0;
};
// kUsage where the inputs contradict each other or name nothing, kNotFound for what is not there; then only is the answerer made, and its
// errors come through.
using MakeAnswerer = std::function<std::unique_ptr<MediaAnswerer>()>;
AskCounts ask_media(const MakeAnswerer& make, const MediaInputs& inputs, const AskSink& sink);

}  // namespace beholder::app
