// Weights of a checklist from human choices (VisionReward, arXiv 2412.21059, sec. 2.3 and Algorithm 1), with what says how far to trust
// them: intervals over prompts, held-out accuracy, each question on its own, accuracy by the number of pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checklist/logistic.h"
#include "checklist/pairs.h"
#include "core/bootstrap.h"
#include "core/config.h"
#include "core/json.h"

namespace beholder::checklist {

struct FitOptions {
  std::string solver = "newton";  // or "visionreward"
  PassOptions passes;
  double l2 = 0;
  std::int64_t select = 0;  // keep at most so many questions; 0: all
  double test_share = 0.2;  // prompts held out for the accuracies
  std::int64_t bootstrap = 200, seed = 1;
  std::string choices = "votes";  // or "majority"
  std::vector<double> curve;      // numbers of pairs in the learning curve; empty: 10, 20, 50, 100, …

  Choices how() const { return choices == "majority" ? Choices::kMajority : Choices::kVotes; }
  void fields(FieldList& f);
};

struct QuestionStats {
  std::int64_t n = 0;   // untied pairs in which the question's values differ
  double accuracy = 0;  // share of those in which the preferred medium has the larger value; NaN for none
  double spearman = 0;  // of the difference and the choice over all untied pairs; NaN where one of them never varies
};
std::vector<QuestionStats> question_stats(const PairSet& set);

// The weights, by the chosen solver, with the --select questions only.
LogisticFit solve(LogisticProblem problem, const FitOptions& options);
// Which features stay: the largest l1 path solution with at most `keep` positive weights.
std::vector<bool> frozen_by_path(const LogisticProblem& problem, std::int64_t keep);

// What was found, as docs/FORMATS.md says; "coef" are the weights. kInvalidInput without an untied pair, or where no question ever
// differs between the media of a pair; kUsage for a --curve that is no list of numbers of pairs. `tick` is called now and then.
Json fit_checklist(const Checklist& list, const PairSet& set, const FitOptions& options, const std::function<void()>& tick);

// Mean held-out accuracy of fits to growing parts of the training pairs: [{"pairs", "accuracy", "low", "high"}], low and high over
// several draws of the prompts. Empty without held-out pairs.
Json learning_curve(const PairSet& set, const std::vector<std::size_t>& train, const std::vector<std::size_t>& test,
                    const FitOptions& options, const std::function<void()>& tick);

// Accuracies of weights on pairs, ties among them: {"pairs", "ties", "accuracy", "interval", "tau", "threshold", "log_loss"}. accuracy is
// `diff`, with a 95% interval over prompts.
Json evaluate(const PairSet& set, const std::vector<std::size_t>& chosen, const std::vector<double>& weights, std::uint64_t seed);

}  // namespace beholder::checklist
