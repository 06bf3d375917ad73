#include "app/checklist_asking.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "app/command.h"
#include "app/media_inputs.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/lines.h"
#include "data/dataset.h"
#include "data/jsonl.h"
#include "judge/prompt.h"
#include "media/media_info.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlace = "[[prompt]]";
constexpr std::size_t kMostWaiting = 256;  // media read and not yet asked

std::string alignment_question(const checklist::Checklist& list) {
  if (!list.alignment_question.empty()) return list.alignment_question;
  return format("Does the {} show what this text asks for: \"[[prompt]]\"?", list.media == "video" ? "video" : "image");
}

bool needs_prompt(const checklist::Checklist& list) {
  return list.has_alignment() ||
         std::any_of(list.questions.begin(), list.questions.end(), [](const auto& q) { return q.text.find(kPlace) != std::string::npos; });
}

// An error of one medium as a record; one of the whole run goes on as it is.
Json error_record(const std::string& id, const std::string& media, const std::string& prompt, const Error& e) {
  if (e.code() == Code::kInternal || e.code() == Code::kInterrupted || e.code() == Code::kUsage) throw e;
  Json out{{"id", id}, {"media", media}};
  if (!prompt.empty()) out["prompt"] = prompt;
  out["error"] = {{"code", code_name(e.code())}, {"message", e.what()}};
  return out;
}

// The media of a run, asked in batches.
class Run {
 public:
  Run(const AskFlags& flags, const checklist::Checklist& list, const AskSink& sink, std::int64_t total)
      : asker_(flags, list), sink_(sink), progress_("asking", total, "media", sink.done_before) {
    counts_.media = sink.done_before;
  }

  // `name`: what the answers call the medium.
  void take(const data::MediaRef& ref, const std::string& id, const std::string& name, const std::string& prompt) {
    check_interrupt(sink_.keep_hint);
    if (!seen_.emplace(name, prompt).second) {
      ++counts_.repeated;
      progress_.update(counts_.media + counts_.repeated);
      return;
    }
    if (sink_.done && sink_.done(id)) return;
    try {
      waiting_.push_back(asker_.load(ref, id, name, prompt));
    } catch (const Error& e) {
      flush();  // results stay in the order of the media
      fail(error_record(id, name, prompt, e));
      return;
    }
    tokens_ += waiting_.back().tokens;
    if (tokens_ >= asker_.batch_tokens() || waiting_.size() >= kMostWaiting) flush();
  }

  void bad_line(const std::string& id, const data::Line& line) {
    if (sink_.done && sink_.done(id)) return;
    flush();
    fail({{"id", nullptr}, {"line", line.number}, {"error", {{"code", code_name(Code::kInvalidInput)}, {"message", line.error}}}});
  }

  AskCounts finish() {
    flush();
    return counts_;
  }

 private:
  void fail(const Json& record) {
    warnings_.add(record["error"]["message"].get<std::string>());
    ++counts_.failed;
    give(record);
  }

  void give(const Json& record) {
    sink_.take(record);
    progress_.update(++counts_.media + counts_.repeated);
  }

  void flush() {
    for (const Json& record : asker_.ask(waiting_, [&](std::int64_t) { check_interrupt(sink_.keep_hint); })) give(record);
    waiting_.clear();
    tokens_ = 0;
  }

  ChecklistAsker asker_;
  const AskSink& sink_;
  Progress progress_;
  Warnings warnings_;
  AskCounts counts_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::vector<ChecklistAsker::Item> waiting_;
  std::int64_t tokens_ = 0;
};

std::string name_of(const data::MediaRef& ref) {
  return ref.is_frame_list() ? ref.frames[0] : ref.path;
}

// The answers call a medium as its record does, so that `checklist fit` finds it; it is read from the records' folder.
void take_record(Run& run, const data::Record& record, const std::string& folder) {
  data::Record found = record;
  if (!folder.empty()) data::resolve_media(found, folder);
  for (std::size_t k = 0; k < record.media.size(); ++k)
    run.take(found.media[k], record.media.size() == 1 ? record.id : format("{}#{}", record.id, k + 1), name_of(record.media[k]),
             record.prompt);
}

// For the time left; 0: not known without reading it all.
std::int64_t count_media(const std::string& path) {
  if (path == "-" || !data::is_own_records(path)) return 0;
  LineReader lines(path);
  std::int64_t media = 0;
  while (const std::optional<TextLine> line = lines.next()) {
    const Json record = Json::parse(line->text, nullptr, /*allow_exceptions=*/false);
    media += record.is_object() && record.contains("media") && record["media"].is_array() ? std::ssize(record["media"]) : 1;
  }
  return media;
}

std::unique_ptr<data::RecordStream> open_stream(const std::string& path, std::ifstream& file, std::string& folder) {
  if (path == "-" || !data::is_own_records(path)) return data::open_records(path);
  file.open(path, std::ios::binary);
  folder = fs::path(path).parent_path();
  return std::make_unique<data::RecordReader>(file, path);
}

void check_inputs(const AskFlags& flags, const std::vector<std::string>& operands) {
  if (!flags.in.empty() && (!operands.empty() || !flags.prompt.empty()))
    throw Error(Code::kUsage, "--in", "records bring their own prompts and media", "leave out --prompt and the files, or leave out --in");
  if (flags.in.empty() && operands.empty())
    throw Error(Code::kUsage, "", "nothing to ask about", "name files or folders, or give --in records.jsonl");
  if (!flags.in.empty() && flags.in != "-" && !fs::exists(flags.in))
    throw Error(Code::kNotFound, flags.in, "there is no such file", "check --in");
}

}  // namespace

void AskFlags::ask_fields(FieldList& f) {
  f.group("What is judged");
  f.add("prompt", prompt, "what the media were generated for; questions that name no prompt need none");
  f.add("in", in, "records, one JSON object a line ({\"id\",\"prompt\",\"media\"}), or a public data set, instead of files");
  judge_fields(f);
  f.add_range("batch_tokens", batch_tokens, 1, 1e9, "media are asked together up to so many tokens");
}

ChecklistAsker::ChecklistAsker(const AskFlags& flags, const checklist::Checklist& list)
    : list_(list),
      model_(load_model(flags, "checklist")),
      store_(patch_config(flags, model_), {flags.fps, flags.max_frames}),
      asker_(model_.spec, model_.model, model_.dir, flags.batch_tokens) {}

std::vector<std::string> ChecklistAsker::questions(const std::string& prompt) const {
  std::vector<std::string> out;
  if (list_.has_alignment()) out.push_back(checklist::ask_about(alignment_question(list_), prompt));
  for (const checklist::Question& q : list_.questions) out.push_back(checklist::ask_about(q.text, prompt));
  return out;
}

ChecklistAsker::Item ChecklistAsker::load(const data::MediaRef& ref, const std::string& id, const std::string& media,
                                          const std::string& prompt) {
  if (needs_prompt(list_)) judge::check_prompt(prompt);
  Item item{.id = id, .media = media, .prompt = prompt, .asked = {store_.load(ref).media, questions(prompt)}};
  if (!list_.media.empty() && item.asked.medium.video != (list_.media == "video"))
    throw Error(Code::kInvalidInput, media,
                format("is {}, and the checklist asks about {}s", item.asked.medium.video ? "a video" : "an image", list_.media),
                "give --questions for it");
  item.tokens = asker_.check(item.asked);
  return item;
}

std::vector<Json> ChecklistAsker::ask(const std::vector<Item>& items, const std::function<void(std::int64_t)>& done) const {
  std::vector<judge::AskItem> asked;
  for (const Item& item : items) asked.push_back(item.asked);
  const std::vector<std::vector<double>> p = asker_.ask(asked, done);
  std::vector<Json> out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Json record{{"id", items[i].id}};
    if (!items[i].prompt.empty()) record["prompt"] = items[i].prompt;
    record["media"] = items[i].media;
    const std::ptrdiff_t first = list_.has_alignment() ? 1 : 0;
    if (first == 1) record["alignment"] = p[i][0];
    record["answers"] = std::vector<double>(p[i].begin() + first, p[i].end());
    out.push_back(std::move(record));
  }
  return out;
}

bool names_media(const AskFlags& flags, const std::vector<std::string>& operands) {
  std::error_code ignored;
  return !flags.in.empty() || operands.size() > 1 ||
         (operands.size() == 1 &&
          (media::is_image_path(operands[0]) || media::is_video_path(operands[0]) || fs::is_directory(operands[0], ignored)));
}

AskCounts ask_all(const AskFlags& flags, const checklist::Checklist& list, const std::vector<std::string>& operands, const AskSink& sink) {
  check_inputs(flags, operands);
  if (!flags.in.empty()) {
    std::ifstream file;
    std::string folder;
    const std::unique_ptr<data::RecordStream> records = open_stream(flags.in, file, folder);
    Run run(flags, list, sink, count_media(flags.in));
    while (const std::optional<data::Line> line = records->next()) {
      if (line->record)
        take_record(run, *line->record, folder);
      else
        run.bad_line(format("line {}", line->number), *line);
    }
    return run.finish();
  }
  if (needs_prompt(list)) judge::check_prompt(flags.prompt);
  const std::vector<std::string> paths = expand_media(operands);
  Run run(flags, list, sink, std::ssize(paths));
  for (const std::string& path : paths) {
    data::MediaRef ref;
    ref.path = path;
    run.take(ref, path, path, flags.prompt);
  }
  return run.finish();
}

}  // namespace beholder::app
