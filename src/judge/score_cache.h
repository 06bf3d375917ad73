// Scores that were given before, so that scoring a folder again costs reading its files and no model. A score depends on the bytes of the
// medium, the prompt, the words of the question, the content of the checkpoint, the settings and kScoringVersion; all of them are in its
// key, so a hit is the score that asking would give. One thread at a time; several programs may share the folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result_cache.h"
#include "data/record.h"
#include "judge/score.h"

namespace beholder::judge {

class ScoreCache {
 public:
  // `settings`: all flags that decide a score, with their values. kResource, and what model_identity() throws.
  ScoreCache(const std::string& folder, const std::string& model_dir, Json settings);

  // A name for the bytes of a medium, without decoding them. Throws what reading throws.
  static std::string source_of(const data::MediaRef& ref);

  // `source`: of the medium. The name is not set.
  std::optional<ScoredMedium> find(const std::string& prompt, const std::string& source);
  void keep(const std::string& prompt, const std::string& source, const ScoredMedium& scored);

  std::int64_t damaged() const { return entries_.damaged(); }

 private:
  std::string key(const std::string& prompt, const std::string& source) const;
  ResultCache entries_;
  std::string basis_;  // of everything but prompt and medium
};

}  // namespace beholder::judge
