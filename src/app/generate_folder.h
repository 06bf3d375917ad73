// The folder that `beholder generate` fills.
//
//   generate.json        what was asked for: the same folder is only gone on with when it is the same
//   media/H-sS.png       sample of seed S; H: 16 hex digits of the prompt's hash. Videos: .webp or .mp4
//   samples.jsonl        a record per sample: {"id", "prompt", "media": [file], "meta": {"seed"}}, for `score` and `checklist`
//   candidates.jsonl     a record per prompt with all of its samples, for `rank`; only with two or more each
//   contact_sheet.png    for people
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "media/image.h"

namespace beholder::app {

class GenerateFolder {
 public:
  // Claims `dir` for `asked`. kInvalidInput where it holds something else.
  GenerateFolder(std::string dir, const Json& asked);

  // Takes note of a sample and returns true when its file is not there yet: then `write` comes next. Files are whole or not there.
  bool add(const std::string& prompt, std::int64_t seed, const std::string& extension);
  void write(const std::string& bytes) const;  // of the sample added last

  // Writes the lists and the sheet: the first samples, in rows of `columns` pictures, or the frames of one video a row.
  // {"samples", "candidates", "contact_sheet"}, paths; candidates null where prompts have one sample each.
  Json finish(int columns, int frames, int cell_px) const;

 private:
  struct Sample {
    std::string id, prompt, file;  // file: relative to the folder
    std::int64_t seed = 0;
  };
  std::string write_candidates() const;
  std::vector<media::Image> sheet_frames(int columns, int frames) const;

  std::string dir_;
  std::vector<Sample> samples_;
};

}  // namespace beholder::app
