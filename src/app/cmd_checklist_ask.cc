// beholder checklist ask: a checklist's questions put to media, answers as `checklist score` and `checklist fit` read them.
#include <unordered_map>

#include "app/checklist_asking.h"
#include "app/checklist_flags.h"
#include "app/command.h"
#include "app/jsonl_out.h"
#include "app/out_settings.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/rng.h"

namespace beholder::app {
namespace {

class ChecklistAskCommand : public Command {
 public:
  std::string name() const override { return "checklist ask"; }
  std::string summary() const override { return "ask a model a checklist's yes/no questions about images or videos"; }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist ask --questions world --prompt \"a red circle and a blue square\" a.png b.png --out answers.jsonl\n"
           "  beholder checklist ask --model Qwen/Qwen2.5-VL-7B-Instruct --in records.jsonl --out answers.jsonl\n"
           "  beholder checklist ask --model DIR --questions VisionReward_image_qa_select.txt --masks visionreward-select --in candidates\n"
           "One line per medium: {\"id\", \"prompt\", \"media\", \"alignment\", \"answers\": [P(yes) …]}, for `checklist score`, `compare` "
           "and "
           "`fit`.\nThe medium is read once, whatever the number of questions.";
  }
  void fields(FieldList& f) override {
    flags_.list_fields(f);
    f.add_choice("answers", answers_, {"soft", "hard"}, "soft: P(yes); hard: yes where it is above 1/2, else no");
    ask_.ask_fields(f);
    f.group("Output");
    f.add("out", ask_.out, "write the answers here as JSON lines");
    f.add("resume", ask_.resume, "continue the run whose answers stand in --out; lines with an error count as done");
  }

  int run(const std::vector<std::string>& operands) override {
    check_apart(ask_.in, ask_.out);
    const checklist::Checklist list = checklist::load_checklist(flags_.questions, flags_.masks);
    std::string strange;  // a kept line that this run would not have written
    JsonlOut out(ask_.out, ask_.resume, [&](const Json& record) {
      check_kept(record, list, strange);
      remember(record);
    });
    if (!strange.empty())
      throw Error(Code::kUsage, ask_.out, strange, "give the --questions, --masks and --answers of that run, or another --out");
    if (out.is_file()) keep_settings(out.path(), [&] { return ask_settings(ask_, list, answers_); }, out.before().done > 0);
    if (out.before().failed > 0)
      log_info(format("{}: {} lines with an error are kept; remove them to have their media asked again", ask_.out, out.before().failed));
    failed_ = out.before().failed;
    AskSink sink = sink_to(out);
    sink.kept = [&](const std::string& id, const std::string& medium, const std::string& prompt) { check_same(id, medium, prompt); };
    sink.take = [&](const Json& record) { out.write(answers_ == "hard" ? hard(record) : record); };
    const AskCounts counts = ask_all(ask_, list, operands, sink);
    failed_ += counts.failed;
    log_info(format("{} media asked {} questions each; {} could not be asked; {} came again and were asked once{}", counts.media - failed_,
                    list.questions.size() + (list.has_alignment() ? 1 : 0), failed_, counts.repeated,
                    out.is_file() ? "; in " + out.path() : ""));
    if (counts.media > 0 && counts.media == failed_)
      throw Error(Code::kInvalidInput, ask_.in, format("none of the {} media could be asked about", counts.media),
                  "see the warnings above");
    return 0;
  }

 private:
  // The form of a kept line: as many answers, of the same kind.
  void check_kept(const Json& record, const checklist::Checklist& list, std::string& strange) const {
    if (!strange.empty() || record.contains("error")) return;
    const std::string id = record.contains("id") ? json_line(record["id"]) : "a line";
    if (!record.contains("answers") || record["answers"].size() != list.questions.size())
      strange = format("it holds answers to other questions: {} has {} for {}", id,
                       record.contains("answers") ? record["answers"].size() : 0, list.questions.size());
    else if (record.contains("alignment") != list.has_alignment())
      strange = format("{} has {} alignment score, and the checklist has {}", id, record.contains("alignment") ? "an" : "no",
                       list.has_alignment() ? "one" : "none");
    else if (!record["answers"].empty() && record["answers"][0].is_string() != (answers_ == "hard"))
      strange = format("{} has {} answers, and this run would write {} ones", id, answers_ == "hard" ? "soft" : "hard", answers_);
  }

  // Which medium and prompt an id stands for in --out, as a hash: a file may hold millions.
  static std::uint64_t subject(const std::string& medium, const std::string& prompt) { return stable_hash(medium + "\n" + prompt); }
  void remember(const Json& record) {
    if (!record.contains("id") || !record["id"].is_string() || !record.contains("media")) return;
    const Json& media = record["media"];
    kept_[stable_hash(record["id"].get<std::string>())] =
        subject(media.is_string() ? media.get<std::string>() : json_line(media), json_get<std::string>(record, "prompt", "", ask_.out));
  }
  void check_same(const std::string& id, const std::string& medium, const std::string& prompt) const {
    const auto found = kept_.find(stable_hash(id));
    if (found != kept_.end() && found->second != subject(medium, prompt))
      throw Error(Code::kUsage, ask_.out, format("{} stands there with another medium or prompt", id),
                  "it is the file of other media: name another --out");
  }

  static Json hard(Json record) {
    if (record.contains("answers"))
      for (Json& p : record["answers"]) p = p.get<double>() > 0.5 ? "yes" : "no";
    return record;
  }

  ChecklistFlags flags_;
  AskFlags ask_;
  std::string answers_ = "soft";
  std::int64_t failed_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> kept_;  // of every id its subject
};

}  // namespace

CommandPtr make_checklist_ask_command() {
  return std::make_unique<ChecklistAskCommand>();
}

}  // namespace beholder::app
