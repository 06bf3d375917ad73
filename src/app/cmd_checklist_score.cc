// beholder checklist score: the score of each line of stored answers, with its parts.
#include <filesystem>

#include "app/checklist_asking.h"
#include "app/checklist_flags.h"
#include "app/checklist_view.h"
#include "app/command.h"
#include "app/jsonl_out.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "report/checklist_report.h"

namespace beholder::app {
namespace {

constexpr std::size_t kReportedScores = 200;  // records that the page shows

class ChecklistScoreCommand : public Command {
 public:
  std::string name() const override { return "checklist score"; }
  std::string summary() const override { return "scores by a checklist, of media or of stored answers, with what each dimension brings"; }
  std::string operands() const override { return "ANSWERS, or images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist score answers.jsonl --questions VisionReward_image_qa_select.txt \\\n"
           "      --masks visionreward-select --weights weight_select.json\n"
           "  beholder checklist score answers.jsonl --weights weights.json --out scores.jsonl --report scores.html\n"
           "  beholder checklist score --questions world --weights weights.json --prompt \"a red circle\" a.png b.png\n"
           "Media are asked first, as by `checklist ask`. ANSWERS: one JSON object a line, {\"id\", \"alignment\", \"answers\": [\"yes\", "
           "\"no\", 0.7, …]}; - reads standard input.";
  }
  void fields(FieldList& f) override {
    flags_.scoring_fields(f);
    ask_.ask_fields(f);
    f.group("Output");
    f.add("out", out_, "write the scores here as JSON lines");
    f.add("report", report_, "write a page with what each dimension brings (one HTML file)");
  }

  int run(const std::vector<std::string>& operands) override {
    const bool media = names_media(ask_, operands);
    if (!media && operands.size() != 1)
      throw Error(Code::kUsage, "checklist score", "takes one file of answers, or media", "name it, or - for standard input");
    std::error_code ignored;
    if (std::filesystem::equivalent(media ? ask_.in : operands[0], out_, ignored))
      throw Error(Code::kUsage, out_, "what is read and --out are the same file", "name another --out");
    const WeightedChecklist weighted(flags_);
    JsonlOut out(out_, false);
    if (media)
      score_media(operands, weighted, out);
    else
      score_answers(operands[0], weighted, out);
    summary(media ? (ask_.in.empty() ? "media" : ask_.in) : operands[0]);
    if (!report_.empty()) report::write_checklist_scores(report_, kept_, done_);
    return 0;
  }

 private:
  void score_answers(const std::string& path, const WeightedChecklist& weighted, JsonlOut& out) {
    checklist::AnswerReader reader(path, weighted.list);
    while (const auto line = reader.next()) {
      check_interrupt("the scores so far are written; run it again for all");
      take(*line, weighted, out);
    }
  }

  void score_media(const std::vector<std::string>& operands, const WeightedChecklist& weighted, JsonlOut& out) {
    AskSink sink;
    sink.keep_hint = "the scores so far are written; `checklist ask --out` keeps answers and can be continued";
    sink.take = [&](const Json& record) {
      if (record.contains("error")) {
        ++failed_;
        write(out, record);
      } else {
        scored(checklist::parse_answers(record, weighted.list, "answers"), weighted, out);
      }
    };
    repeated_ = ask_all(ask_, weighted.list, operands, sink).repeated;
  }

  void take(const checklist::AnswerReader::Line& line, const WeightedChecklist& weighted, JsonlOut& out) {
    if (!line.sheet) {
      ++failed_;
      warnings_.add(line.error);
      write(out, {{"id", nullptr}, {"line", line.number}, {"error", {{"code", code_name(Code::kInvalidInput)}, {"message", line.error}}}});
      return;
    }
    scored(*line.sheet, weighted, out);
  }

  void scored(const checklist::AnswerSheet& sheet, const WeightedChecklist& weighted, JsonlOut& out) {
    Json record = checklist::score_record(weighted.scoring(), sheet);
    ++done_;
    sum_ += record["score"].get<double>();
    unanswered_ += sheet.unanswered;
    write(out, record);
    if (!json && out_.empty()) fmt::print("{}\n", show_checklist_score(record, terminal_style()));
    if (!report_.empty() && kept_.size() < kReportedScores) kept_.push_back(std::move(record));
  }

  void write(JsonlOut& out, const Json& record) const {
    if (json || !out_.empty()) out.write(record);
  }

  void summary(const std::string& in) const {
    if (done_ == 0)
      throw Error(Code::kInvalidInput, in, failed_ == 0 ? "holds no answers" : format("none of the {} could be read", failed_),
                  "answers are one JSON object a line, see docs/FORMATS.md; of media the warnings above say why");
    log_info(format("{} scored, mean {:+.4f}; {} left out; {} answers were neither yes nor no and count as no{}", done_,
                    sum_ / static_cast<double>(done_), failed_, unanswered_,
                    repeated_ > 0 ? format("; {} media came again and were scored once", repeated_) : std::string()));
  }

  ChecklistFlags flags_;
  AskFlags ask_;
  std::string out_, report_;
  std::int64_t done_ = 0, failed_ = 0, unanswered_ = 0, repeated_ = 0;
  double sum_ = 0;
  std::vector<Json> kept_;
  Warnings warnings_;
};

}  // namespace

CommandPtr make_checklist_score_command() {
  return std::make_unique<ChecklistScoreCommand>();
}

}  // namespace beholder::app
