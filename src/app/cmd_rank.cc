// beholder rank: order media for a prompt, with strengths, intervals and reasons.
#include <memory>

#include "app/command.h"
#include "app/judge_run.h"
#include "app/judge_view.h"
#include "core/error.h"
#include "core/format.h"
#include "judge/rank.h"

namespace beholder::app {
namespace {

class RankCommand : public Command {
 public:
  std::string name() const override { return "rank"; }
  std::string summary() const override { return "order images or videos by what people would prefer for a prompt"; }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder rank --prompt \"a red circle left of a blue square\" a.png b.webp c.jpg\n"
           "  beholder rank --prompt \"a red circle\" candidates/ --votes 8 --strategy anchors\n"
           "  beholder rank --prompt \"a red circle\" hundreds/ --strategy adaptive\n"
           "  beholder rank --in records.jsonl --out ranked.jsonl --resume";
  }
  void fields(FieldList& f) override {
    flags_.fields(f);
    options_.strategy_fields(f);
    options_.comparison_fields(f);
    options_.sampling_fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    FieldList list;
    flags_.judge_fields(list);
    options_.strategy_fields(list);
    options_.comparison_fields(list);
    options_.sampling_fields(list);
    JudgeJob job;
    job.settings = result_settings(list, options_);
    job.unit = "rankings";
    job.refuse = [](const JudgeItem& item) {
      if (item.media.size() >= 2) return;
      throw Error(Code::kInvalidInput, "rank",
                  format("{} of {} media can be ranked", item.media.size(), item.media.size() + item.skipped.size()),
                  "give at least two that can be read; `beholder score` takes one");
    };
    job.inquire = [this](const JudgeItem& item) {
      const judge::RankTask task{item.prompt, item.media};
      return judge::rank_inquiry(task, std::make_shared<judge::RankPlan>(judge::plan_ranking(task, options_)), options_);
    };
    job.show = [](const Json& ranking) { return show_ranking(ranking, terminal_style()); };
    run_judge(flags_, options_, operands, json, job);
    return 0;
  }

 private:
  JudgeRunFlags flags_;
  judge::RankOptions options_;
};

}  // namespace

CommandPtr make_rank_command() {
  return std::make_unique<RankCommand>();
}

}  // namespace beholder::app
