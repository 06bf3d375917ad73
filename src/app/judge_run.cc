#include "app/judge_run.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/jsonl_out.h"
#include "app/media_inputs.h"
#include "app/record_run.h"
#include "core/error.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/media_tree.h"
#include "judge/prompt.h"

namespace beholder::app {
namespace {

void check_flags(const JudgeRunFlags& flags, const std::vector<std::string>& operands, bool many) {
  if (!flags.in.empty() && (!operands.empty() || !flags.prompt.empty())) {
    throw Error(Code::kUsage, "--in", "records bring their own prompts and media", "leave out --prompt and the files, or leave out --in");
  }
  std::error_code ignored;
  if (!flags.in.empty() && std::filesystem::equivalent(flags.in, flags.out, ignored))
    throw Error(Code::kUsage, flags.out, "--in and --out are the same file", "name another --out");
  if (flags.in.empty() && operands.empty())
    throw Error(Code::kUsage, "", "nothing to judge", "name files or folders, or give --in records.jsonl");
  data::parse_shard(flags.shard, "--shard");
  if (many) return;
  if (flags.resume) throw Error(Code::kUsage, "--resume", "it continues a run over records", "use it with --in and --out");
  if (!flags.shard.empty()) throw Error(Code::kUsage, "--shard", "one question has no parts", "use it with --in or with folders");
}

std::int64_t count_lines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::int64_t lines = 0;
  std::string line;
  while (std::getline(in, line)) lines += line.find_first_not_of(" \t\r") == std::string::npos ? 0 : 1;
  return lines;
}

data::Record operand_record(const JudgeRunFlags& flags, const std::vector<std::string>& operands) {
  data::Record record;
  record.prompt = flags.prompt;
  judge::check_prompt(record.prompt);
  for (const std::string& path : expand_media(operands)) record.media.emplace_back().path = path;
  return record;
}

std::unique_ptr<data::RecordStream> open_input(const JudgeRunFlags& flags, const std::vector<std::string>& operands) {
  if (flags.in.empty()) return std::make_unique<data::MediaTree>(expand_patterns(operands));
  return data::open_records(flags.in);
}

// Of records: what they are, and how many lines where that can be told.
RecordInput record_input(const JudgeRunFlags& flags, const std::vector<std::string>& operands) {
  if (!flags.in.empty() && flags.in != "-" && ::access(flags.in.c_str(), R_OK) != 0)
    throw Error(Code::kNotFound, flags.in, "there is no such file, or it cannot be read", "check --in");
  RecordInput input;
  input.name = flags.in.empty() ? operands[0] : flags.in;
  if (flags.in.empty()) {
    for (const auto stream = open_input(flags, operands); stream->next();) ++input.lines;
  } else if (!data::is_live(flags.in) && data::is_own_records(flags.in)) {
    input.lines = count_lines(flags.in);
  }
  input.stream = open_input(flags, operands);
  return input;
}

// One item: everything that was named, for one prompt.
void run_one(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<std::string>& operands, bool json,
             const JudgeJob& job) {
  const data::Record record = operand_record(flags, operands);
  std::optional<JsonlOut> out;
  if (!flags.out.empty()) out.emplace(flags.out, false);
  JudgeSession session(flags);
  JudgeBatch batch(session, options, job);
  batch.add_record(record, [](const Error&, const Json&) { throw; });
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
  if (job.seen) job.seen(results[0]);
  if (job.finish) job.finish();
  write_report(flags, options, results, std::ssize(results));
}

}  // namespace

// The nearest folder that exists must take new files.
void check_output_place(const std::string& path, std::string_view flag) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  std::error_code error;
  if (fs::is_directory(path, error)) throw Error(Code::kResource, path, "it is a folder", format("give {} a file name", flag));
  fs::path folder = fs::absolute(path, error).parent_path();
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder, error) || ::access(folder.c_str(), W_OK) != 0)
    throw Error(Code::kResource, path, format("cannot be written in {}", folder.string()), format("give {} another place", flag));
}

void run_judge(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<std::string>& operands, bool json,
               const JudgeJob& job) {
  const bool many = !flags.in.empty() || (job.takes_folders && flags.prompt.empty());
  check_flags(flags, operands, many);
  options.check();
  check_output_place(flags.report, "--report");
  if (many) return run_records(flags, options, job, record_input(flags, operands), json);
  run_one(flags, options, operands, json, job);
}

}  // namespace beholder::app
