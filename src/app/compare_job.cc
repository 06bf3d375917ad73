#include "app/compare_job.h"

#include "app/judge_view.h"
#include "core/error.h"
#include "core/format.h"
#include "judge/compare.h"

namespace beholder::app {
namespace {

judge::CompareTask task(const JudgeItem& item) {
  return {item.prompt, item.media[0], item.media[1]};
}

}  // namespace

JudgeJob compare_job(const judge::JudgeOptions& options) {
  JudgeJob job;
  job.unit = "comparisons";
  job.refuse = [](const JudgeItem& item) {
    if (item.media.size() == 2 && item.skipped.empty()) return;
    throw Error(
        Code::kInvalidInput, "compare",
        format("{} of {} media can be read, a comparison is between two", item.media.size(), item.media.size() + item.skipped.size()),
        "give exactly two; `beholder rank` takes more");
  };
  job.inquire = [&options](const JudgeItem& item) {
    judge::Inquiry inquiry{judge::compare_questions(task(item), options)};
    inquiry.result = [task = task(item), &options](std::span<const judge::Answered> answers) {
      return to_json(judge::read_comparison(task, answers, options));
    };
    return inquiry;
  };
  job.show = [](const Json& comparison) { return show_comparison(comparison, terminal_style()); };
  return job;
}

}  // namespace beholder::app
