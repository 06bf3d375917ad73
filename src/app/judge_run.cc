#include "app/judge_run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "app/jsonl_out.h"
#include "app/media_inputs.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "judge/prompt.h"
#include "report/rank_report.h"

namespace beholder::app {
namespace {

// An error of one record; one of the whole run goes on as it is.
Json record_error(const Error& e) {
  if (e.code() != Code::kInvalidInput && e.code() != Code::kCorrupt && e.code() != Code::kNotFound && e.code() != Code::kUnsupported)
    throw e;
  return {{"code", code_name(e.code())}, {"message", e.what()}};
}

// What the results rest on, for the foot of a report.
void write_report(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<Json>& results,
                  std::int64_t run_records) {
  if (flags.report.empty()) return;
  report::ReportOptions page;
  page.settings = {{"model", flags.model.empty() ? "embedded judge" : flags.model},
                   {"device", flags.device},
                   {"dtype", flags.dtype},
                   {"quantize", flags.quantize},
                   {"answer", options.answer},
                   {"votes", std::to_string(options.votes)},
                   {"temperature", format("{}", options.sampling_temperature())},
                   {"seed", std::to_string(options.seed)}};
  page.run_records = run_records;
  report::write_rank_report(flags.report, results, page);
  log_info(format("report: {}", flags.report));
}

// A report's place is tried before the work starts: the nearest folder that exists must take new files.
void check_report_place(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  std::error_code error;
  if (fs::is_directory(path, error)) throw Error(Code::kResource, path, "it is a folder", "give --report a file name");
  fs::path folder = fs::absolute(path, error).parent_path();
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder, error) || ::access(folder.c_str(), W_OK) != 0)
    throw Error(Code::kResource, path, format("cannot be written in {}", folder.string()), "give --report another place");
}

std::int64_t count_lines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::int64_t lines = 0;
  std::string line;
  while (std::getline(in, line)) lines += line.find_first_not_of(" \t\r") == std::string::npos ? 0 : 1;
  return lines;
}

constexpr std::size_t kReported = 100;  // results of a long run that its report shows

struct Counts {
  std::int64_t done = 0, failed = 0, skipped_media = 0;  // also of the run that is continued
  std::int64_t tokens = 0;
};

class RecordRun {
 public:
  RecordRun(JudgeSession& session, JsonlOut& out, const JudgeRunFlags& flags, const judge::JudgeOptions& options, const JudgeJob& job)
      : out_(out),
        flags_(flags),
        options_(options),
        job_(job),
        session_(session),
        batch_(session.judge(), options, job),
        progress_(job.unit, flags.in == "-" || !data::is_own_records(flags.in) ? 0 : count_lines(flags.in), "records", out.before().done) {
    counts_ = {out.before().done, out.before().failed, out.before().skipped_media};
  }

  void run() {
    const std::unique_ptr<data::RecordStream> reader = data::open_records(flags_.in);
    while (const std::optional<data::Line> line = reader->next()) {
      stop_if_asked();
      take(*line);
      if (batch_.questions() >= options_.batch_size || batch_.size() >= 1024) flush();
    }
    flush();
    write_report(flags_, options_, kept_, counts_.done);
    summary();
  }

 private:
  void stop_if_asked() const {
    check_interrupt(!out_.is_file() ? std::string("give --out FILE to be able to continue")
                                    : format("{} records are in {}; the same command with --resume continues", counts_.done, out_.path()));
  }

  void take(const data::Line& line) {
    if (out_.take_done(line.record ? line.record->id : JsonlOut::line_key(line.number))) return;
    if (!line.record) {
      warnings_.add(line.error);
      batch_.add_failed(
          {{"id", nullptr}, {"line", line.number}, {"error", {{"code", code_name(Code::kInvalidInput)}, {"message", line.error}}}});
      return;
    }
    Json skipped = Json::array();
    try {
      JudgeItem item = load_item(session_.store(), *line.record);
      skipped = item.skipped;
      batch_.add(std::move(item));
    } catch (const Error& e) {
      Json error = record_error(e);
      warnings_.add(format("record {}: {}", line.record->id, e.what()));
      batch_.add_failed(
          {{"id", line.record->id}, {"prompt", line.record->prompt}, {"error", std::move(error)}, {"skipped", std::move(skipped)}});
    }
  }

  void flush() {
    const std::vector<Json> results = batch_.answer([&](std::int64_t, std::int64_t tokens) {
      stop_if_asked();
      progress_.update(counts_.done,
                       format("{} tok/s", human_count(static_cast<double>(counts_.tokens + tokens) / std::max(progress_.seconds(), 1e-3))));
    });
    for (const Json& result : results) {
      out_.write(result);
      if (!flags_.report.empty() && kept_.size() < kReported) kept_.push_back(result);
      ++counts_.done;
      if (result.contains("error")) ++counts_.failed;
      if (result.contains("skipped")) counts_.skipped_media += std::ssize(result["skipped"]);
      if (result.contains("tokens")) counts_.tokens += result["tokens"].value("completion", std::int64_t{0});
    }
    progress_.update(counts_.done);
  }

  void summary() const {
    log_info(format("{} {} ({} failed, {} media skipped) in {}{}", counts_.done, job_.unit, counts_.failed, counts_.skipped_media,
                    human_duration(progress_.seconds()), out_.is_file() ? ", in " + out_.path() : ""));
    if (counts_.done > 0 && counts_.failed == counts_.done) {
      throw Error(Code::kInvalidInput, flags_.in, format("none of the {} records could be judged", counts_.done), "see the warnings above");
    }
  }

  JsonlOut& out_;
  const JudgeRunFlags& flags_;
  const judge::JudgeOptions& options_;
  const JudgeJob& job_;
  JudgeSession& session_;
  JudgeBatch batch_;
  Progress progress_;
  Counts counts_;
  Warnings warnings_;
  std::vector<Json> kept_;
};

void check_flags(const JudgeRunFlags& flags, const std::vector<std::string>& operands) {
  if (!flags.in.empty() && (!operands.empty() || !flags.prompt.empty())) {
    throw Error(Code::kUsage, "--in", "records bring their own prompts and media", "leave out --prompt and the files, or leave out --in");
  }
  std::error_code ignored;
  if (!flags.in.empty() && std::filesystem::equivalent(flags.in, flags.out, ignored))
    throw Error(Code::kUsage, flags.out, "--in and --out are the same file", "name another --out");
  if (flags.in.empty() && operands.empty())
    throw Error(Code::kUsage, "", "nothing to judge", "name files or folders, or give --in records.jsonl");
  if (flags.in.empty() && flags.resume)
    throw Error(Code::kUsage, "--resume", "it continues a run over records", "use it with --in and --out");
}

data::Record operand_record(const JudgeRunFlags& flags, const std::vector<std::string>& operands) {
  data::Record record;
  record.prompt = flags.prompt;
  judge::check_prompt(record.prompt);
  for (const std::string& path : expand_media(operands)) record.media.emplace_back().path = path;
  return record;
}

}  // namespace

void run_judge(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<std::string>& operands, bool json,
               const JudgeJob& job) {
  check_flags(flags, operands);
  options.check();
  check_report_place(flags.report);
  if (!flags.in.empty()) {
    if (flags.in != "-" && !std::ifstream(flags.in))
      throw Error(Code::kNotFound, flags.in, "there is no such file, or it cannot be read", "check --in");
    JsonlOut out(flags.out, flags.resume);
    JudgeSession session(flags);
    RecordRun(session, out, flags, options, job).run();
    return;
  }
  const data::Record record = operand_record(flags, operands);
  std::optional<JsonlOut> out;
  if (!flags.out.empty()) out.emplace(flags.out, false);
  JudgeSession session(flags);
  JudgeBatch batch(session.judge(), options, job);
  batch.add(load_item(session.store(), record));
  const std::int64_t total = batch.questions();
  std::vector<Json> results;
  {
    Progress progress("judging", total, "questions");
    results = batch.answer([&](std::int64_t done, std::int64_t tokens) {
      check_interrupt("nothing was written; run it again");
      progress.update(done, format("{} tokens", tokens));
    });
  }
  if (out) out->write(results[0]);
  if (json) JsonlOut("", false).write(results[0]);
  if (!json) std::fputs(job.show(results[0]).c_str(), stdout);
  write_report(flags, options, results, std::ssize(results));
}

}  // namespace beholder::app
