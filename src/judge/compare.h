// Which of two media do people prefer, and how surely. Each order of the media gets `votes` thoughts:
//   p(1) = (p(1 | shown 1,2) + 1 - p(first | shown 2,1)) / 2
// per order: soft, and a single score vote: mean of the votes' p; select, and several score votes: share of the votes for
// medium 1 (equal scores count half).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "judge/judge.h"

namespace beholder::judge {

struct CompareTask {
  std::string prompt;
  Medium first, second;
};

struct ComparisonVote {
  bool swapped = false;  // the judge saw the second medium first
  bool parsed = false;
  int choice = 0;              // 1 or 2, in the task's numbering; 0: equal scores, or not parsed
  double p = 0.5;              // that the task's first medium is preferred
  std::vector<double> scores;  // of the task's media, in the task's order; score answers only
  std::string thought;         // numbers its media in the order shown
  std::string problem;         // why it was not parsed, with the text
  std::string text;            // the completion
};

struct Comparison {
  std::string prompt;
  std::string names[2];
  double p = 0.5;                  // that the first is preferred; 0.5 when no vote could be parsed
  int choice = 1;                  // 1 where p >= 0.5, else 2
  std::optional<bool> consistent;  // both orders choose the same medium; empty when only one order was asked or could be read
  int unparsed = 0;                // votes, of votes.size()
  std::vector<ComparisonVote> votes;
  Usage usage;

  bool tie() const { return p == 0.5; }
  // The parsed vote that speaks most clearly for medium `which` (1 or 2); null when none chose it.
  const ComparisonVote* best_vote(int which) const;
};

// The questions of one task (one or two orders), and the comparison that their answers make.
std::vector<Question> compare_questions(const CompareTask& task, const JudgeOptions& options);
Comparison read_comparison(const CompareTask& task, std::span<const Answered> answers, const JudgeOptions& options);

// All tasks at once, batched together.
std::vector<Comparison> compare(Judge& judge, std::span<const CompareTask> tasks, const JudgeOptions& options,
                                const JudgeProgress& progress = {});

// {"prompt","media":[a,b],"choice":1|2,"probability":p,"consistent":bool|null,"unparsed":n,"votes":[…],"tokens":{…},"seconds"}
Json to_json(const Comparison& comparison);
Json usage_json(const Usage& usage);  // {"prompt","completion"}

}  // namespace beholder::judge
