// What came of an alignment: by every judge's answers the total and each dimension's reward (checklist/dominance.h) of every arm beside
// the generator as it was, from the same prompts and sampling seeds.
#pragma once

#include <string>
#include <vector>

#include "checklist/answers.h"
#include "checklist/score.h"
#include "core/json.h"
#include "eval/align_plan.h"
#include "eval/arm_rows.h"

namespace beholder::eval {

struct Sample {
  std::string id, prompt, file;  // file: as a path
  std::int64_t seed = 0;
};
// Of a run's samples.jsonl.
std::vector<Sample> read_samples(const Run& run);

// A judge's answers about one run as rows by prompt: "total" and "reward/DIMENSION", means of R over the prompt's samples;
// "yes/DIMENSION", of the dimension's questions that count the share answered yes (P(yes) > 1/2, the alignment's too). With `base`, the
// answers about the base's samples of the same ids: "win", the share of samples whose total is higher than the base's, equal ones half.
// A sample that was not answered, for "win" in either, has no part. `unanswered` counts those without answers here.
ArmRows judged_rows(const checklist::Scoring& scoring, const std::vector<Sample>& samples, const checklist::AnswerTable& answers,
                    const checklist::AnswerTable* base, std::int64_t& unanswered);

// {"title","dimensions","judges","prompts","samples","arms":[{"name","note","level","threshold","seeds":[…],"unfinished":n,
//   "problems":[{"seed","problem"}],"pairs":[{"seed","written","levels":{level:{"pairs","prompts"}},…}],
//   "judges":{judge:{"total":m,"win":m,"dimensions":{name:{"reward":m,"yes":m}},"worse":n,"surely_worse":n,"unanswered":n}}}]}
// m as in eval/arm_table.h, values being means over seeds, intervals over prompts and differences paired to the base, the first arm.
// "worse": dimensions whose reward is lower than the base's; "surely_worse": whose interval of the difference lies below 0.
// `failures`: of every run (runner.h). "prompts" is 0 while the base is not there.
Json align_outcome(const AlignRecipe& recipe, const AlignPlan& plan, const checklist::Scoring& scoring,
                   const std::vector<std::string>& failures);

// A table of one judge for the terminal.
std::string align_text(const Json& outcome, const std::string& judge);

}  // namespace beholder::eval
