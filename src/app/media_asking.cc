#include "app/media_asking.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "app/media_inputs.h"
#include "checklist/answers.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/lines.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/jsonl.h"
#include "data/look_ahead.h"
#include "data/media_tree.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

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
  Run(std::unique_ptr<MediaAnswerer> answerer, const AskSink& sink, std::int64_t total)
      : answerer_(std::move(answerer)), sink_(sink), progress_("asking", total, "media", sink.done_before) {
    counts_.media = sink.done_before;
  }

  void expect(const data::MediaRef& ref, const std::string& id) {
    if (!sink_.will_be_done || !sink_.will_be_done(id)) answerer_->expect(ref);
  }

  // `ref`: where the medium is; `named`: the same as the answers write it.
  void take(const data::MediaRef& ref, const std::string& id, const data::MediaRef& named, const std::string& prompt) {
    check_interrupt(sink_.keep_hint);
    const std::string key = checklist::media_key(named);
    if (!seen_.emplace(key, prompt).second) return pass(counts_.repeated);
    if (sink_.done && sink_.done(id)) {
      if (sink_.kept) sink_.kept(id, key, prompt);
      return;
    }
    if (named.is_frame_list()) frame_lists_[id] = checklist::media_json(named);
    try {
      if (!answerer_->take({ref, id, named.name(), prompt})) {
        frame_lists_.erase(id);
        return pass(counts_.left_out);
      }
    } catch (const Error& e) {
      flush();  // results stay in the order of the media
      fail(error_record(id, named.name(), prompt, e));
      return;
    }
    if (answerer_->full()) flush();
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

  void give(Json record) {
    const Json& id = record["id"];
    if (const auto list = id.is_string() ? frame_lists_.find(id.get<std::string>()) : frame_lists_.end(); list != frame_lists_.end()) {
      record["media"] = std::move(list->second);
      frame_lists_.erase(list);
    }
    sink_.take(record);
    ++counts_.media;
    update();
  }

  // A medium that gets no answers, and no line.
  void pass(std::int64_t& count) {
    ++count;
    update();
  }

  void update() { progress_.update(counts_.media + counts_.repeated + counts_.left_out); }

  void flush() {
    for (const Json& record : answerer_->answer([&](std::int64_t) { check_interrupt(sink_.keep_hint); })) give(record);
  }

  std::unique_ptr<MediaAnswerer> answerer_;
  const AskSink& sink_;
  Progress progress_;
  Warnings warnings_;
  AskCounts counts_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::map<std::string, Json> frame_lists_;  // by id, of those that wait
};

std::string medium_id(const data::Record& record, std::size_t k) {
  return record.media.size() == 1 ? record.id : format("{}#{}", record.id, k + 1);
}

// The answers call a medium as its record does, so that `checklist fit` finds it; it is read from the records' folder.
void take_record(Run& run, const data::Record& record, const std::string& folder) {
  data::Record found = record;
  if (!folder.empty()) data::resolve_media(found, folder);
  for (std::size_t k = 0; k < record.media.size(); ++k) run.take(found.media[k], medium_id(record, k), record.media[k], record.prompt);
}

void expect_record(Run& run, const data::Record& record, const std::string& folder) {
  data::Record found = record;
  if (!folder.empty()) data::resolve_media(found, folder);
  for (std::size_t k = 0; k < record.media.size(); ++k) run.expect(found.media[k], medium_id(record, k));
}

// For the time left; 0: not known without reading it all.
std::int64_t count_media(const std::string& path) {
  if (data::is_live(path) || !data::is_own_records(path)) return 0;
  LineReader lines(path);
  std::int64_t media = 0;
  while (const std::optional<TextLine> line = lines.next()) {
    const Json record = Json::parse(line->text, nullptr, /*allow_exceptions=*/false);
    media += record.is_object() && record.contains("media") && record["media"].is_array() ? std::ssize(record["media"]) : 1;
  }
  return media;
}

constexpr int kMostLookedAt = 1000;  // media without a prompt, before a folder is held to be no folder of candidates

// Whether a folder holds media with prompts beside them, and is no data set.
bool has_captions(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return false;
  data::MediaTree tree({path});
  for (int i = 0; i < kMostLookedAt; ++i) {
    const std::optional<data::Line> line = tree.next();
    if (!line) return false;
    if (line->record && !line->record->prompt.empty()) return true;
  }
  return false;
}

std::int64_t count_tree(const std::vector<std::string>& paths) {
  data::MediaTree tree(paths);
  while (tree.next()) continue;
  return tree.position();
}

// Files as records of one medium, all with one prompt.
class Files : public data::RecordStream {
 public:
  Files(std::vector<std::string> paths, const std::string& prompt) : paths_(std::move(paths)), prompt_(prompt) {}
  std::optional<data::Line> next() override {
    if (at_ == paths_.size()) return std::nullopt;
    data::Record record;
    record.id = paths_[at_++];
    record.prompt = prompt_;
    record.media.emplace_back().path = record.id;
    return data::Line{.number = position(), .record = std::move(record), .error = {}};
  }
  std::int64_t position() const override { return static_cast<std::int64_t>(at_); }

 private:
  std::vector<std::string> paths_;
  std::string prompt_;
  std::size_t at_ = 0;
};

struct Input {
  std::unique_ptr<data::RecordStream> stream;
  std::int64_t total = 0;               // media, for the time left; 0: not known
  std::string folder = {};              // that the records' media are in; empty: they say it themselves
  std::unique_ptr<std::ifstream> file;  // that the stream reads
};

bool names_folder(const std::vector<std::string>& operands) {
  std::error_code ignored;
  return std::any_of(operands.begin(), operands.end(), [&](const std::string& o) { return fs::is_directory(o, ignored); });
}

Input open_tree(const std::vector<std::string>& paths) {
  return {std::make_unique<data::MediaTree>(paths), count_tree(paths), {}, {}};
}

Input open_input(const MediaInputs& inputs) {
  if (inputs.in.empty()) {
    if (inputs.prompt.empty() && names_folder(inputs.operands)) return open_tree(expand_patterns(inputs.operands));
    std::vector<std::string> paths = expand_media(inputs.operands);
    const std::int64_t total = std::ssize(paths);
    return {std::make_unique<Files>(std::move(paths), inputs.prompt), total, {}, {}};
  }
  if (has_captions(inputs.in)) return open_tree({inputs.in});
  if (inputs.in == "-" || !data::is_own_records(inputs.in)) return {data::open_records(inputs.in), count_media(inputs.in), {}, {}};
  auto file = std::make_unique<std::ifstream>(inputs.in, std::ios::binary);
  auto stream = std::make_unique<data::RecordReader>(*file, inputs.in);
  return {std::move(stream), count_media(inputs.in), fs::path(inputs.in).parent_path(), std::move(file)};
}

void check_inputs(const MediaInputs& inputs) {
  if (!inputs.in.empty() && (!inputs.operands.empty() || !inputs.prompt.empty()))
    throw Error(Code::kUsage, "--in", "records bring their own prompts and media", "leave out --prompt and the files, or leave out --in");
  if (inputs.in.empty() && inputs.operands.empty())
    throw Error(Code::kUsage, "", "nothing to ask about", "name files or folders, or give --in records.jsonl");
  if (!inputs.in.empty() && inputs.in != "-" && !fs::exists(inputs.in))
    throw Error(Code::kNotFound, inputs.in, "there is no such file", "check --in");
}

}  // namespace

void check_apart(const std::string& in, const std::string& out) {
  std::error_code ignored;
  if (!in.empty() && fs::equivalent(in, out, ignored))
    throw Error(Code::kUsage, out, "--in and --out are the same file", "name another --out");
}

AskSink sink_to(JsonlOut& out) {
  AskSink sink;
  if (out.is_file()) {
    sink.done = [&out](const std::string& id) { return out.take_done(id); };
    sink.will_be_done = [&out](const std::string& id) { return out.is_done(id); };
  }
  sink.done_before = out.before().done;
  sink.keep_hint = out.is_file() ? format("what was asked is in {}; the same command with --resume continues", out.path())
                                 : std::string("give --out FILE to be able to continue");
  sink.take = [&out](const Json& record) { out.write(record); };
  return sink;
}

AskCounts ask_media(const MakeAnswerer& make, const MediaInputs& inputs, const AskSink& sink) {
  check_inputs(inputs);
  Input input = open_input(inputs);
  Run run(make(), sink, input.total);
  if (!data::is_live(inputs.in))
    input.stream = std::make_unique<data::LookAhead>(std::move(input.stream),
                                                     [&](const data::Record& record) { expect_record(run, record, input.folder); });
  while (const std::optional<data::Line> line = input.stream->next()) {
    if (line->record)
      take_record(run, *line->record, input.folder);
    else
      run.bad_line(format("line {}", line->number), *line);
  }
  return run.finish();
}

}  // namespace beholder::app
