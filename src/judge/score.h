// Pointwise scores: each medium alone with its prompt, 0 to 10, mean over the votes that could be read.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "judge/judge.h"

namespace beholder::judge {

struct ScoredMedium {
  std::string name;
  std::string hash;             // of the content that was looked at
  std::optional<double> score;  // 0..10; empty when no vote could be read
  std::vector<double> votes;    // the readable ones
  int unparsed = 0;
  std::string thought;  // of the vote nearest the mean; when none could be read, empty
  std::string problem;  // of the first vote, when none could be read
  Usage usage;          // of its question
};

struct ScoreTask {
  std::string prompt;
  std::vector<Medium> media;                         // at least one; equal content is asked once
  std::vector<std::optional<ScoredMedium>> known{};  // per medium: what need not be asked; may be shorter than `media`
};

struct Scores {
  std::string prompt;
  std::vector<ScoredMedium> media;  // as in the task
  Usage usage;
};

// Counts as the version of how a score comes about: raised with every change that gives the same question another score (reading of
// answers, preprocessing), so that no cache mixes two of them. The words of the question need no number; they are looked at themselves.
inline constexpr int kScoringVersion = 1;

// The answer kind of `options` is not used: pointwise is always a score.
std::vector<Question> score_questions(const ScoreTask& task, const JudgeOptions& options);
Scores read_scores(const ScoreTask& task, std::span<const Answered> answers);
std::vector<Scores> score(Judge& judge, std::span<const ScoreTask> tasks, const JudgeOptions& options, const JudgeProgress& progress = {});

// {"prompt","scores":[{"media","score"|null,"votes","unparsed","thought"}…],"skipped":[],"tokens","seconds"}
Json to_json(const Scores& scores);

}  // namespace beholder::judge
