// Best-of-n: of all media that were made for one prompt, the ones with the highest scores. Prompts are one where their texts are. What is
// selected does not depend on the order in which scores come.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace beholder::judge {

class BestOf {
 public:
  // Keeps the `top` best of every prompt; 0: only counts. Memory: those, not all that were seen.
  explicit BestOf(std::int64_t top) : top_(top) {}

  // Takes the media of one result of `score` (to_json in judge/score.h, with an "id" where it had one). A result with an error, and media
  // without a score, are counted. A medium that comes twice for a prompt counts once among the best.
  void add(const Json& result);

  // {"prompt","rank","of","score","media","id"?,"thought"} a kept medium, by prompt and rank. "of": media of the prompt with a score.
  // Equal scores stand in the order of the media's names.
  std::vector<Json> lines() const;

  std::int64_t prompts() const { return std::ssize(groups_); }
  std::int64_t scored() const { return scored_; }
  std::int64_t unscored() const { return unscored_; }  // the judge was asked, and no vote could be read
  std::int64_t unread() const { return unread_; }      // media that could not be opened
  std::int64_t failed() const { return failed_; }      // results that are errors
  double mean() const { return scored_ > 0 ? sum_ / static_cast<double>(scored_) : 0; }

 private:
  struct Kept {
    double score = 0;
    std::string media, id, thought;
  };
  struct Group {
    std::vector<Kept> best;  // at most top_, best first
    std::int64_t of = 0;
  };
  void keep(Group& group, Kept kept);

  std::int64_t top_, scored_ = 0, unscored_ = 0, unread_ = 0, failed_ = 0;
  double sum_ = 0;
  std::map<std::string, Group> groups_;  // by prompt
};

}  // namespace beholder::judge
