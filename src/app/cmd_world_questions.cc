// beholder world questions: how rightly a model answers the checklists of the embedded world, question by question, against the truth.
#include "app/command.h"
#include "app/judge_batch.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "train/checklist_eval.h"
#include "train/world_taught.h"

namespace beholder::app {
namespace {

class WorldQuestionsCommand : public Command {
 public:
  std::string name() const override { return "world questions"; }
  std::string summary() const override { return "measure the answers to the world's checklists, question by question, against the truth"; }
  std::string examples() const override {
    return "Examples:\n  beholder world questions --split test --n 2000\n  beholder world questions --model runs/checklist/final --split "
           "ood-generator --video-share 1 --json\n"
           "Half of the scenes have faults. A question counts by the mean of two shares: of the scenes where the answer is yes those that "
           "got\na yes, and the same for no; so always answering the same is worth 0.5.\n"
           "Splits: train validation test ood-combination ood-generator ood-voters.";
  }
  void fields(FieldList& f) override {
    f.add("model", flags_.model, "checkpoint folder, or org/name in the hub cache; empty: the embedded checklist's");
    f.add("split", split_, "which part of the world");
    f.add_range("n", n_, 1, 1e6, "scenes");
    f.add_range("video_share", video_share_, 0, 1, "share of the scenes that are videos");
    f.add("lessons", lessons_, "measure simple questions in place of the checklists': what has which colour, and what stands where");
    f.add("world_seed", world_seed_, "of the world's scenes");
    f.add("device", flags_.device, "cpu, cuda, cuda:1; auto: cuda where there is one");
    f.add("dtype", flags_.dtype, "fp32, bf16, fp16; auto: as stored");
    f.add("quantize", flags_.quantize, "int8 or int4: the decoder's weights in so many bits");
  }

  int run(const std::vector<std::string>&) override {
    const world::Split split = world::split_named(split_);
    const judge::JudgeModel loaded = load_model(flags_, "checklist");
    train::WorldTaughtOptions options;
    options.world_seed = world_seed_;
    options.video_share = video_share_;
    options.measure_lessons = lessons_;
    const auto source = train::world_taught(options, split, loaded.spec);
    Progress progress(format("{} of {}", split_, loaded.dir), n_, "scenes");
    const train::ChecklistEval eval = train::evaluate_checklist(loaded.spec, loaded.model, *source, n_, [&](std::int64_t done) {
      check_interrupt("run the command again");
      progress.update(done);
    });
    Json report{{"model", loaded.dir},         {"split", split_},     {"n", n_},
                {"video_share", video_share_}, {"lessons", lessons_}, {"world_seed", world_seed_}};
    for (const auto& [metric, value] : eval.metrics) report[metric.substr(std::string_view("eval_").size())] = value;
    report["by_question"] = eval.questions;
    if (json)
      fmt::print("{}\n", json_line(report));
    else
      show(report);
    return 0;
  }

 private:
  static std::string share(const Json& value) { return value.is_number() ? format("{:.3f}", value.get<double>()) : "-"; }

  static void show(const Json& report) {
    fmt::print("{} on {} scenes of {} ({:.0f}% videos)\n\n  balanced  interval          yes right      no right       question\n",
               report["model"].get<std::string>(), report["n"].dump(), report["split"].get<std::string>(),
               100 * report["video_share"].get<double>());
    for (const Json& q : report["by_question"]) {
      const Json& range = q["interval"];
      const std::string interval = range.is_null() ? "-" : format("[{}, {}]", share(range[0]), share(range[1]));
      const auto part = [&](const char* recall, const char* of) { return format("{} of {:.0f}", share(q[recall]), q[of].get<double>()); };
      fmt::print("  {:<8}  {:<16}  {:<13}  {:<13}  {}\n", share(q["balanced_accuracy"]), interval, part("recall_yes", "yes"),
                 part("recall_no", "no"), q["question"].get<std::string>());
    }
    fmt::print("\n  {}     mean; lowest {}; of all answers {} are right\n", share(report["balanced_accuracy"]),
               share(report["worst_question"]), share(report["accuracy"]));
  }

  JudgeRunFlags flags_;
  std::string split_ = "test";
  std::int64_t n_ = 1000, world_seed_ = 1;
  double video_share_ = 0.3;
  bool lessons_ = false;
};

}  // namespace

CommandPtr make_world_questions_command() {
  return std::make_unique<WorldQuestionsCommand>();
}

}  // namespace beholder::app
