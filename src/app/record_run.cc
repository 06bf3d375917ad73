#include "app/record_run.h"

#include <algorithm>
#include <cstdio>

#include "app/jsonl_out.h"
#include "app/out_settings.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/look_ahead.h"
#include "data/media_tree.h"
#include "report/rank_report.h"

namespace beholder::app {
namespace {

// An error of one record; one of the whole run goes on as it is.
Json record_error(const Error& e) {
  if (e.code() != Code::kInvalidInput && e.code() != Code::kCorrupt && e.code() != Code::kNotFound && e.code() != Code::kUnsupported)
    throw e;
  return {{"code", code_name(e.code())}, {"message", e.what()}};
}

constexpr std::size_t kReported = 100;  // results of a long run that its report shows

struct Counts {
  std::int64_t done = 0, failed = 0, skipped_media = 0;  // also of the run that is continued
  std::int64_t tokens = 0;
};

class RecordRun {
 public:
  RecordRun(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const JudgeJob& job, RecordInput input, bool json)
      : flags_(flags),
        options_(options),
        job_(job),
        input_(std::move(input)),
        json_(json),
        shard_(data::parse_shard(flags.shard, "--shard")),
        out_(flags.out, flags.resume, job.seen),
        session_(flags),
        batch_(session_, options, job),
        progress_(job.unit, input_.lines, "records", std::min(out_.before().done * shard_.count, input_.lines)) {
    counts_ = {out_.before().done, out_.before().failed, out_.before().skipped_media};
    if (out_.is_file() && !job.settings.is_null()) keep_settings(out_.path(), [&] { return settings(); }, out_.before().done > 0);
    if (!shard_.is_whole()) input_.stream = std::make_unique<data::ShardStream>(std::move(input_.stream), shard_);
    if (!data::is_live(flags.in))  // else the first results would wait for what comes after them
      input_.stream = std::make_unique<data::LookAhead>(std::move(input_.stream), [this](const data::Record& r) { expect(r); });
  }

  void run() {
    if (!flags_.resume && !job_.known) session_.load();  // else it may turn out that there is nothing to ask
    while (const std::optional<data::Line> line = input_.stream->next()) {
      stop_if_asked();
      take(*line);
      if (batch_.questions() >= options_.batch_size || batch_.size() >= 1024) flush();
    }
    flush();
    write_report(flags_, options_, kept_, counts_.done);
    summary();
  }

 private:
  Json settings() const {
    Json all = job_.settings;
    all["model"] = named_mark(model_dir(flags_));
    all["prompt"] = flags_.prompt;
    return all;
  }

  void stop_if_asked() const {
    check_interrupt(!out_.is_file() ? std::string("give --out FILE to be able to continue")
                                    : format("{} records are in {}; the same command with --resume continues", counts_.done, out_.path()));
  }

  bool lacks_prompt(const data::Record& record) const { return flags_.in.empty() && record.prompt.empty(); }

  void expect(const data::Record& record) {
    if (!out_.is_done(record.id) && !lacks_prompt(record)) batch_.expect(record);
  }

  void take(const data::Line& line) {
    if (out_.take_done(line.record ? line.record->id : JsonlOut::line_key(line.number))) return;
    if (!line.record) {
      warnings_.add(line.error);
      batch_.add_failed(
          {{"id", nullptr}, {"line", line.number}, {"error", {{"code", code_name(Code::kInvalidInput)}, {"message", line.error}}}});
      return;
    }
    const data::Record& record = *line.record;
    if (lacks_prompt(record)) return fail(record, data::MediaTree::no_prompt(record.id), Json::array());
    batch_.add_record(record, [&](const Error& e, Json skipped) { fail(record, e, std::move(skipped)); });
  }

  void fail(const data::Record& record, const Error& e, Json skipped) {
    Json error = record_error(e);
    warnings_.add(format("record {}: {}", record.id, e.what()));
    batch_.add_failed({{"id", record.id}, {"prompt", record.prompt}, {"error", std::move(error)}, {"skipped", std::move(skipped)}});
  }

  void flush() {
    const std::vector<Json> results = batch_.answer([&](std::int64_t, std::int64_t tokens) {
      stop_if_asked();
      progress_.update(passed_,
                       format("{} tok/s", human_count(static_cast<double>(counts_.tokens + tokens) / std::max(progress_.seconds(), 1e-3))));
    });
    for (const Json& result : results) {
      give(result);
      if (!flags_.report.empty() && kept_.size() < kReported) kept_.push_back(result);
      ++counts_.done;
      if (result.contains("error")) ++counts_.failed;
      if (result.contains("skipped")) counts_.skipped_media += std::ssize(result["skipped"]);
      if (result.contains("tokens")) counts_.tokens += result["tokens"].value("completion", std::int64_t{0});
    }
    passed_ = input_.stream->position();
    progress_.update(passed_);
  }

  void give(const Json& result) {
    if (flags_.in.empty() && !json_ && !out_.is_file() && job_.show_short)
      std::fputs(job_.show_short(result).c_str(), stdout);
    else
      out_.write(result);
    if (job_.seen) job_.seen(result);
  }

  void summary() {
    for (const auto& [what, count] : input_.stream->notes().counts) log_info(format("{}: {}", what, count));
    log_info(format("{} {} ({} failed, {} media skipped) in {}{}", counts_.done, job_.unit, counts_.failed, counts_.skipped_media,
                    human_duration(progress_.seconds()), out_.is_file() ? ", in " + out_.path() : ""));
    Json all{{"records", counts_.done}, {"failed", counts_.failed}, {"skipped_media", counts_.skipped_media}};
    if (!shard_.is_whole()) all["shard"] = flags_.shard;
    if (job_.finish) all.update(job_.finish());
    if (json_ && out_.is_file()) JsonlOut("", false).write(all);
    if (counts_.done > 0 && counts_.failed == counts_.done) {
      throw Error(Code::kInvalidInput, input_.name, format("none of the {} records could be judged", counts_.done),
                  "see the warnings above");
    }
  }

  const JudgeRunFlags& flags_;
  const judge::JudgeOptions& options_;
  const JudgeJob& job_;
  RecordInput input_;
  bool json_;
  data::Shard shard_;
  JsonlOut out_;
  JudgeSession session_;
  JudgeBatch batch_;
  Progress progress_;
  Counts counts_;
  std::int64_t passed_ = 0;  // lines of the input whose results are there
  Warnings warnings_;
  std::vector<Json> kept_;
};

}  // namespace

void run_records(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const JudgeJob& job, RecordInput input, bool json) {
  RecordRun(flags, options, job, std::move(input), json).run();
}

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

}  // namespace beholder::app
