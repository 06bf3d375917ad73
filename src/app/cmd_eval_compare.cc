// beholder eval compare, eval leaderboard: kept evaluations against each other and beside published numbers.
#include "app/command.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "eval/leaderboard.h"
#include "eval/result.h"
#include "report/eval_report.h"

namespace beholder::app {
namespace {

class EvalCompareCommand : public Command {
 public:
  std::string name() const override { return "eval compare"; }
  std::string summary() const override { return "the difference of two evaluations, by a paired bootstrap over prompts"; }
  std::string operands() const override { return "A B"; }
  std::string examples() const override {
    return "Examples:\n  beholder eval compare evals/base evals/trained\n"
           "A and B are --output-dir folders of beholder eval with the same protocol, data and prompts; anything else is refused.";
  }
  void fields(FieldList&) override {}

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 2)
      throw Error(Code::kUsage, "eval compare", format("compares two evaluations, not {}", operands.size()),
                  "name two --output-dir folders");
    const Json comparison = eval::compare_results(operands[0], operands[1]);
    fmt::print("{}", json ? json_line(comparison) + "\n" : eval::paired_text(comparison));
    return 0;
  }
};

class EvalLeaderboardCommand : public Command {
 public:
  std::string name() const override { return "eval leaderboard"; }
  std::string summary() const override { return "evaluations beside published numbers of the same data and protocol"; }
  std::string operands() const override { return "EVALUATION…"; }
  std::string examples() const override {
    return "Examples:\n  beholder eval leaderboard evals/base evals/trained --out leaderboard.html\n"
           "Numbers of different protocols or data never stand in one table: without --separate such evaluations are refused.";
  }
  void fields(FieldList& f) override {
    f.add("out", out_, "write the page here");
    f.add("published", published_, "more published numbers, in the layout of src/eval/published.toml");
    f.add("separate", separate_, "a table for each protocol and data set");
  }

  int run(const std::vector<std::string>& operands) override {
    if (operands.empty())
      throw Error(Code::kUsage, "eval leaderboard", "no evaluation is named", "name --output-dir folders of beholder eval");
    const Json board = eval::leaderboard(operands, eval::published_numbers(published_), separate_);
    fmt::print("{}", json ? json_line(board) + "\n" : eval::leaderboard_text(board));
    if (!out_.empty()) {
      report::write_leaderboard(out_, board);
      log_info(format("leaderboard: {}", out_));
    }
    return 0;
  }

 private:
  std::string out_, published_;
  bool separate_ = false;
};

}  // namespace

CommandPtr make_eval_compare_command() {
  return std::make_unique<EvalCompareCommand>();
}

CommandPtr make_eval_leaderboard_command() {
  return std::make_unique<EvalLeaderboardCommand>();
}

}  // namespace beholder::app
