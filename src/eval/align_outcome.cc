#include "eval/align_outcome.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "checklist/dominance.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/lines.h"
#include "eval/arm_table.h"

namespace beholder::eval {
namespace fs = std::filesystem;
namespace {

using checklist::AnswerSheet;
using checklist::AnswerTable;
using checklist::Scoring;

constexpr double kRounding = 1e-12;  // sums of equal rewards in another order

double total_of(const Scoring& scoring, const AnswerSheet& sheet) {
  return checklist::rewards_at(scoring, sheet, checklist::Level::kTotal)[0];
}

void add(Ratio& part, double sum) {
  part.sum += sum;
  part.n += 1;
}

void add_sample(const Scoring& scoring, const AnswerSheet& sheet, ArmRow& row) {
  const checklist::Checklist& list = scoring.list;
  add(row.parts["total"], total_of(scoring, sheet));
  const std::vector<double> rewards = checklist::rewards_at(scoring, sheet, checklist::Level::kDimension);
  for (std::size_t d = 0; d < rewards.size(); ++d) add(row.parts["reward/" + list.dimensions[d]], rewards[d]);
  const std::vector<checklist::Feature> features = checklist::features_of(list);
  const std::vector<double> values = checklist::values_of(list, sheet, checklist::Coding::kHard);  // 0: does not count
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto d = static_cast<std::size_t>(list.subs[static_cast<std::size_t>(features[i].sub)].dimension);
    const bool alignment = features[i].question < 0;
    if (alignment || values[i] != 0) add(row.parts["yes/" + list.dimensions[d]], values[i] > (alignment ? 0.5 : 0) ? 1 : 0);
  }
}

// One judge's rows of all arms: the base first.
struct Judged {
  std::vector<MeasuredArm> arms;
  std::vector<std::int64_t> unanswered;  // per arm
};

class Outcome {
 public:
  Outcome(const AlignRecipe& recipe, const AlignPlan& plan, const Scoring& scoring) : recipe_(recipe), plan_(plan), scoring_(scoring) {
    if (fs::exists(samples_path(base()))) samples_ = read_samples(base());
  }

  Json make(const std::vector<std::string>& failures) const {
    std::set<std::string> prompts;
    for (const Sample& sample : samples_) prompts.insert(sample.prompt);
    Json out = {{"title", recipe_.title},    {"dimensions", scoring_.list.dimensions}, {"judges", Json::array()},
                {"prompts", prompts.size()}, {"samples", recipe_.evaluation_num},      {"arms", Json::array()}};
    out["arms"].push_back(arm_json("base", "", {plan_.base}, failures));
    for (std::size_t a = 0; a < plan_.arms.size(); ++a) {
      const AlignArm& arm = recipe_.arms[a];
      Json& entry = out["arms"].emplace_back(arm_json(arm.name, arm.note, plan_.arms[a], failures));
      entry["level"] = arm.level;
      entry["threshold"] = arm.threshold;
      entry["pairs"] = pairs_json(plan_.arms[a]);
    }
    for (const AnswerSource& judge : recipe_.judges) {
      out["judges"].push_back(judge.name);
      add_judge(judge, out["arms"]);
    }
    return out;
  }

 private:
  const Run& base() const { return plan_.runs[plan_.base]; }

  bool finished(const Run& run) const {
    return std::all_of(run.steps.begin(), run.steps.end(), [](const Step& step) { return fs::exists(step.done); });
  }

  Json arm_json(const std::string& name, const std::string& note, const std::vector<std::size_t>& runs,
                const std::vector<std::string>& failures) const {
    Json out = {{"name", name},
                {"note", note},
                {"seeds", Json::array()},
                {"unfinished", 0},
                {"problems", Json::array()},
                {"judges", Json::object()}};
    for (const std::size_t r : runs) {
      if (finished(plan_.runs[r]))
        out["seeds"].push_back(plan_.runs[r].seed);
      else
        out["unfinished"] = out["unfinished"].get<int>() + 1;
      if (!failures[r].empty()) out["problems"].push_back({{"seed", plan_.runs[r].seed}, {"problem", failures[r]}});
    }
    return out;
  }

  Json pairs_json(const std::vector<std::size_t>& runs) const {
    Json out = Json::array();
    for (const std::size_t r : runs) {
      if (!fs::exists(pair_counts_path(plan_.runs[r]))) continue;
      Json entry = {{"seed", plan_.runs[r].seed}};
      entry.update(read_json(pair_counts_path(plan_.runs[r])));
      out.push_back(std::move(entry));
    }
    return out;
  }

  void add_judge(const AnswerSource& judge, Json& arms) const {
    if (!fs::exists(answered_path(base(), judge))) return;
    const AnswerTable before = checklist::read_answer_table(answers_path(base(), judge), scoring_.list);
    Judged all;
    const auto add_arm = [&](const std::string& name, const std::vector<std::size_t>& runs, bool is_base) {
      all.arms.push_back({.name = name, .seeds = {}});
      all.unanswered.push_back(0);
      for (const std::size_t r : runs) {
        if (!fs::exists(answered_path(plan_.runs[r], judge))) continue;
        const AnswerTable answers = checklist::read_answer_table(answers_path(plan_.runs[r], judge), scoring_.list);
        all.arms.back().seeds.push_back(judged_rows(scoring_, samples_, answers, is_base ? nullptr : &before, all.unanswered.back()));
      }
    };
    add_arm("base", {plan_.base}, true);
    for (std::size_t a = 0; a < plan_.arms.size(); ++a) add_arm(recipe_.arms[a].name, plan_.arms[a], false);
    const ArmTable table(all.arms, judge.name);
    for (std::size_t a = 0; a < all.arms.size(); ++a)
      if (!all.arms[a].seeds.empty()) arms[a]["judges"][judge.name] = judge_json(table.arm(a), a == 0, all.unanswered[a]);
  }

  Json judge_json(const Json& metrics, bool is_base, std::int64_t unanswered) const {
    Json out = {{"total", metrics.value("total", Json())}};
    if (!is_base) out["win"] = metrics.value("win", Json());
    if (!is_base && out["win"].is_object()) out["win"].erase("difference"), out["win"].erase("difference_interval");
    int worse = 0, surely = 0;
    for (const std::string& name : scoring_.list.dimensions) {
      const Json reward = metrics.value("reward/" + name, Json());
      out["dimensions"][name] = {{"reward", reward}, {"yes", metrics.value("yes/" + name, Json())}};
      if (is_base || !reward.is_object() || !reward["difference"].is_number()) continue;
      worse += reward["difference"].get<double>() < -kRounding;
      surely += reward["difference_interval"].at(1).get<double>() < -kRounding;
    }
    if (!is_base) out["worse"] = worse, out["surely_worse"] = surely;
    out["unanswered"] = unanswered;
    return out;
  }

  const AlignRecipe& recipe_;
  const AlignPlan& plan_;
  const Scoring& scoring_;
  std::vector<Sample> samples_;
};

}  // namespace

std::vector<Sample> read_samples(const Run& run) {
  std::vector<Sample> out;
  LineReader lines(samples_path(run));
  while (const auto line = lines.next()) {
    const std::string where = lines.where();
    const Json json = parse_json(line->text, where);
    const auto media = json_need<std::vector<std::string>>(json, "media", where);
    if (media.size() != 1) throw Error(Code::kCorrupt, where, "is no sample of `beholder generate`", "remove the folder and run again");
    out.push_back({.id = json_need<std::string>(json, "id", where),
                   .prompt = json_need<std::string>(json, "prompt", where),
                   .file = format("{}/samples/{}", run.dir, media[0]),
                   .seed = json_need<std::int64_t>(json_need<Json>(json, "meta", where), "seed", where)});
  }
  return out;
}

ArmRows judged_rows(const Scoring& scoring, const std::vector<Sample>& samples, const AnswerTable& answers, const AnswerTable* base,
                    std::int64_t& unanswered) {
  ArmRows rows;
  for (const Sample& sample : samples) {
    ArmRow& row = rows[sample.prompt];
    const AnswerSheet* sheet = answers.find(sample.id);
    if (!sheet) {
      ++unanswered;
      continue;
    }
    add_sample(scoring, *sheet, row);
    const AnswerSheet* before = base ? base->find(sample.id) : nullptr;
    if (!before) continue;
    const double gain = total_of(scoring, *sheet) - total_of(scoring, *before);
    add(row.parts["win"], gain > kRounding ? 1 : gain < -kRounding ? 0 : 0.5);
  }
  return rows;
}

Json align_outcome(const AlignRecipe& recipe, const AlignPlan& plan, const Scoring& scoring, const std::vector<std::string>& failures) {
  return Outcome(recipe, plan, scoring).make(failures);
}

}  // namespace beholder::eval
