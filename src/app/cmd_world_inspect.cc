// beholder world inspect: a checklist's questions about pictures of the embedded world, answered by the inspector from their pixels.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "app/checklist_flags.h"
#include "app/command.h"
#include "app/jsonl_out.h"
#include "app/media_asking.h"
#include "checklist/checklist.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/frames.h"
#include "world/inspect.h"
#include "world/prompt.h"
#include "world/questions.h"

namespace beholder::app {
namespace {

constexpr int kMostFrames = 64;
constexpr std::size_t kMostNamed = 5;                           // of unknown questions, in an error
constexpr const char* kAlignment = "Does it show [[prompt]]?";  // what an alignment score without words of its own stands for

// The questions of a list in the order of the answers, the alignment score first where there is one. kUnsupported, naming those whose
// answer is not known.
std::vector<std::string> known_texts(const checklist::Checklist& list, const std::string& name) {
  std::vector<std::string> texts, unknown;
  if (list.has_alignment()) texts.push_back(list.alignment_question.empty() ? kAlignment : list.alignment_question);
  for (const checklist::Question& q : list.questions) texts.push_back(q.text);
  const std::vector<std::string_view> known = world::known_questions();
  for (const std::string& text : texts)
    if (std::find(known.begin(), known.end(), text) == known.end()) unknown.push_back(format("\"{}\"", text));
  const std::size_t all = unknown.size();
  if (all > kMostNamed) {
    unknown.resize(kMostNamed);
    unknown.push_back(format("{} more", all - kMostNamed));
  }
  if (all > 0)
    throw Error(Code::kUnsupported, name, format("the world has no answer to {}", fmt::join(unknown, ", ")),
                "ask what the lists world and world-video ask; docs/methods/inspect.md has them all");
  return texts;
}

class Inspector : public MediaAnswerer {
 public:
  Inspector(const checklist::Checklist& list, std::vector<std::string> texts) : list_(list), texts_(std::move(texts)) {}

  bool take(const AskedMedium& medium) override {
    const std::optional<world::Prompt> prompt = world::parse_prompt(medium.prompt);
    if (!prompt) {
      warnings_.add(format("{}: \"{}\" is none of the world's prompts", medium.name, medium.prompt));
      return false;
    }
    const std::vector<media::Image> frames = data::load_frames(medium.ref, kMostFrames);
    if (!list_.media.empty() && (frames.size() > 1) != (list_.media == "video"))
      throw Error(Code::kInvalidInput, medium.name,
                  format("is {}, and the checklist asks about {}s", frames.size() > 1 ? "a video" : "an image", list_.media),
                  "give --questions for it");
    const world::Scene scene = inspected(frames, medium.name);
    Json answers = Json::array();
    for (const std::string& text : texts_) answers.push_back(world::truth_of(text, *prompt, scene).value_or(false) ? 1.0 : 0.0);
    waiting_ = Json{{"id", medium.id}, {"prompt", medium.prompt}, {"media", medium.name}};
    if (list_.has_alignment()) {
      waiting_["alignment"] = answers[0];
      answers.erase(0);
    }
    waiting_["answers"] = std::move(answers);
    return true;
  }
  bool full() const override { return true; }
  std::vector<Json> answer(const std::function<void(std::int64_t)>&) override {
    if (waiting_.is_null()) return {};
    return {std::exchange(waiting_, Json())};
  }

 private:
  // An error says which medium it is about.
  static world::Scene inspected(const std::vector<media::Image>& frames, const std::string& name) {
    try {
      return world::inspect(frames).scene;
    } catch (const Error& e) {
      throw Error(e.code(), format("{}: {}", name, e.where()), e.problem(), e.fix());
    }
  }

  const checklist::Checklist& list_;
  std::vector<std::string> texts_;
  Json waiting_;
  Warnings warnings_;
};

// How often each question was answered with yes, of the media where it arises.
class Tally {
 public:
  explicit Tally(const checklist::Checklist& list, const std::vector<std::string>& texts)
      : aligned_(list.has_alignment()), texts_(texts), counts_(texts.size()) {}

  void add(const Json& record) {
    if (record.contains("error") || !record.contains("answers")) return;
    const std::optional<world::Prompt> prompt = world::parse_prompt(record.value("prompt", ""));
    std::vector<double> p = record["answers"].get<std::vector<double>>();
    if (aligned_) p.insert(p.begin(), record.value("alignment", 0.0));
    for (std::size_t q = 0; prompt && q < std::min(p.size(), texts_.size()); ++q) {
      if (!world::truth_of(texts_[q], *prompt, {})) continue;
      ++counts_[q][0];
      counts_[q][1] += p[q] > 0.5;
    }
  }

  Json report() const {
    Json out = Json::array();
    for (std::size_t q = 0; q < texts_.size(); ++q) out.push_back({{"question", texts_[q]}, {"yes", counts_[q][1]}, {"n", counts_[q][0]}});
    return out;
  }

 private:
  bool aligned_;
  const std::vector<std::string>& texts_;
  std::vector<std::array<std::int64_t, 2>> counts_;  // n, yes
};

class WorldInspectCommand : public Command {
 public:
  std::string name() const override { return "world inspect"; }
  std::string summary() const override {
    return "answer a checklist about pictures of the embedded world from their pixels, without a model";
  }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder generate --model runs/generator/final --prompts prompts.txt --out samples\n"
           "  beholder world inspect --in samples/samples.jsonl --out truth.jsonl --json\n"
           "  beholder world inspect --questions world --prompt \"a red circle and a blue square\" a.png b.png\n"
           "The lines are those of `checklist ask`, every answer 1 or 0, for `checklist score`, `compare`, `fit` and `mpo pairs`.\n"
           "Media whose prompt is none of the world's are left out and counted.";
  }
  void fields(FieldList& f) override {
    flags_.questions = "world";
    f.group("What is inspected");
    f.add("prompt", prompt_, "the world's prompt that the files were made for");
    f.add("in", in_, "records, one JSON object a line ({\"id\",\"prompt\",\"media\"}), instead of files");
    flags_.list_fields(f);
    f.group("Output");
    f.add("out", out_, "write the answers here as JSON lines; with --json and without it only the summary is printed");
    f.add("resume", resume_, "continue the run whose answers stand in --out");
  }

  int run(const std::vector<std::string>& operands) override {
    check_apart(in_, out_);
    const checklist::Checklist list = checklist::load_checklist(flags_.questions, flags_.masks);
    const std::vector<std::string> texts = known_texts(list, flags_.questions);
    if (in_.empty() && !operands.empty() && !world::parse_prompt(prompt_))
      throw Error(Code::kInvalidInput, "--prompt",
                  prompt_.empty() ? "is missing" : format("\"{}\" is none of the world's prompts", prompt_),
                  "give one like \"a red circle left of a blue square\", \"three green stars\" or \"a red circle and a blue square\"");
    Tally tally(list, texts);
    JsonlOut out(out_, resume_, [&](const Json& record) { tally.add(record); });
    AskSink sink = sink_to(out);
    sink.take = [&](const Json& record) {
      tally.add(record);
      if (out.is_file() || !json) out.write(record);
    };
    AskCounts counts = ask_media([&] { return std::make_unique<Inspector>(list, texts); }, {prompt_, in_, operands}, sink);
    counts.failed += out.before().failed;
    finish(counts, tally, out.is_file() ? "; in " + out.path() : "");
    return 0;
  }

 private:
  void finish(const AskCounts& counts, const Tally& tally, const std::string& place) const {
    log_info(
        format("{} media inspected; {} could not be read; {} have a prompt that is none of the world's and were left out; {} came "
               "again and were inspected once{}",
               counts.media - counts.failed, counts.failed, counts.left_out, counts.repeated, place));
    if (json)
      fmt::print("{}\n", json_line({{"inspected", counts.media - counts.failed},
                                    {"failed", counts.failed},
                                    {"left_out", counts.left_out},
                                    {"repeated", counts.repeated},
                                    {"questions", tally.report()}}));
    if (counts.media + counts.left_out > 0 && counts.media == counts.failed)
      throw Error(Code::kInvalidInput, in_, format("none of the {} media could be inspected", counts.media + counts.left_out),
                  counts.left_out > 0 ? "give records whose prompts are the world's" : "see the warnings above");
  }

  ChecklistFlags flags_;
  std::string prompt_, in_, out_;
  bool resume_ = false;
};

}  // namespace

CommandPtr make_world_inspect_command() {
  return std::make_unique<WorldInspectCommand>();
}

}  // namespace beholder::app
