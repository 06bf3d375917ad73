// beholder eval: a judge, or somebody else's scores, measured on labelled records under a named protocol.
#include <filesystem>

#include "app/command.h"
#include "app/eval_judge.h"
#include "app/eval_records.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/shard.h"
#include "eval/leaderboard.h"
#include "eval/result.h"
#include "eval/scores_file.h"
#include "report/eval_report.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

struct EvalFlags {
  std::string protocol, scores, dataset, name, report, listener;
  double score_scale = 0, threshold = -1;
  EvalSource source;

  void fields(FieldList& f) {
    f.group("What is measured");
    source.fields(f);
    f.add("protocol", protocol, "how verdicts become a number; see below");
    f.add("scores", scores,
          "measure these numbers instead of a model: lines {\"id\",\"scores\":[one per medium, higher = better]},\n"
          "or a line per medium as `checklist score` writes them: {\"id\":\"RECORD#1\",\"score\"}");
    f.add_range("score_scale", score_scale, 0, 1e9,
                "with scores: p = sigmoid(scale (s1 - s2)), for Brier and calibration; 0: they are no probabilities");
    f.add_range("threshold", threshold, -1, 1e9,
                "pickapic-tie: a smaller margin is a tie (choose it on validation data); -1: the best one on these data");
    f.add("dataset", dataset, "name of the data, as on a leaderboard (\"ImageReward test\"); empty: the file's name");
    f.add("name", name, "name of the judge, as on a leaderboard; empty: the model or the scores file");
    f.add("output_dir", source.output_dir, "keeps verdicts, result.json, rows.jsonl and report.html; needed with a model");
    f.add("report", report, "write the page here");
    f.add("listener", listener, "checkpoint that reads every thought without its answer: contradiction, accuracy by its agreement");
  }
};

std::string protocol_list() {
  std::string out = "Protocols:\n";
  for (const eval::Protocol& p : eval::protocols()) out += format("  {:<20} {}\n", p.name, p.rule);
  return out;
}

class EvalCommand : public Command {
 public:
  std::string name() const override { return "eval"; }
  std::string summary() const override { return "measure a judge, or somebody's scores, on labelled records under a named protocol"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder eval --data test.jsonl --protocol imagereward --output-dir evals/base\n"
           "  beholder eval --data test.jsonl --protocol hpdv2 --scores hpsv2.jsonl --json\n"
           "  beholder eval compare evals/base evals/trained\n"
           "Stop with Ctrl-C and go on with the same command and --resume. Verdicts that are there already are not asked for again, so "
           "another\n"
           "protocol on them costs nothing.\n"
           "Side by side: --shard 1/4 … --shard 4/4 into one --output-dir, then the same command with --resume and without --shard.\n\n" +
           protocol_list();
  }
  void fields(FieldList& f) override {
    flags_.fields(f);
    judging_.flags.judge_fields(f);
    judging_.options.comparison_fields(f);
    judging_.options.sampling_fields(f);
    f.add("resume", judging_.flags.resume, "continue the evaluation in --output-dir");
    f.add("shard", judging_.flags.shard,
          "i/n: judge only this part of the pairs, for programs side by side; --resume without it puts all together");
  }

  int run(const std::vector<std::string>&) override {
    check();
    const eval::Protocol& protocol = eval::find_protocol(flags_.protocol);
    eval::ResultContext context;
    check_source(flags_.source, protocol);
    const std::vector<data::Record> records = read(context);
    if (!judging_.flags.shard.empty()) return judge_shard(records);
    const Json result = flags_.scores.empty() ? judged(records, protocol, context) : scored(records, protocol, context);
    if (json)
      fmt::print("{}\n", json_line(result));
    else
      fmt::print("{}", eval::result_text(result));
    return 0;
  }

 private:
  void check() {
    if (flags_.source.data.empty()) throw Error(Code::kUsage, "--data", "no records are named", "give --data records.jsonl");
    if (flags_.protocol.empty())
      throw Error(Code::kUsage, "--protocol", "no protocol is named, and none is right for all data", "choose one of beholder eval --help");
    if (flags_.scores.empty() && flags_.source.output_dir.empty())
      throw Error(Code::kUsage, "--output-dir", "verdicts of a model are kept, so that a stopped evaluation can go on",
                  "name a folder for them");
    if (!flags_.scores.empty() && (!judging_.flags.model.empty() || !flags_.listener.empty() || judging_.flags.resume))
      throw Error(Code::kUsage, "--scores", "scores are measured without a model", "leave out --model, --listener and --resume");
    if (!flags_.scores.empty() && !flags_.source.output_dir.empty() && fs::exists(flags_.source.output_dir + "/verdicts.jsonl"))
      throw Error(Code::kUsage, flags_.source.output_dir, "it holds the verdicts of a model", "give --scores another --output-dir");
    if (flags_.protocol.starts_with("mmrb2") && !judging_.options.both_orders)
      throw Error(Code::kUsage, "--protocol", flags_.protocol + " counts both orders", "leave out --no-both-orders");
    judging_.options.check();
    if (!judging_.flags.shard.empty()) check_shard();
  }

  void check_shard() const {
    data::parse_shard(judging_.flags.shard, "--shard");
    if (!flags_.scores.empty() || !flags_.listener.empty())
      throw Error(Code::kUsage, "--shard", "a shard only asks the judge",
                  "leave out --scores and --listener; the run without --shard takes them");
    if (!data::is_own_records(flags_.source.data) && !fs::exists(flags_.source.output_dir + "/data/data.json"))
      throw Error(Code::kUsage, "--shard", "this data set must be converted first, and by one program",
                  "run: beholder data convert, and give the records it wrote");
  }

  int judge_shard(const std::vector<data::Record>& records) {
    judging_.folder = flags_.source.output_dir;
    judge_records(judging_, records);
    log_info(format("shard {} is done; when all are, the same command with --resume and without --shard gives the result",
                    judging_.flags.shard));
    if (json) fmt::print("{}\n", json_line({{"shard", judging_.flags.shard}, {"output_dir", flags_.source.output_dir}}));
    return 0;
  }

  std::vector<data::Record> read(eval::ResultContext& context) {
    EvalRecords read = read_eval_records(flags_.source, /*as_files=*/flags_.scores.empty());
    context.bad_records = read.bad;
    context.data = std::move(read.left_out);
    context.dataset = !flags_.dataset.empty() ? flags_.dataset : flags_.source.name();
    had_bytes_ = read.had_bytes;
    return std::move(read.records);
  }

  Json scored(const std::vector<data::Record>& records, const eval::Protocol& protocol, eval::ResultContext& context) {
    const eval::ScoresFile file = eval::read_scores(flags_.scores);
    context.judge = !flags_.name.empty() ? flags_.name : fs::path(flags_.scores).filename().string();
    context.bad_scores = file.bad_lines;
    context.unknown_scores = std::ssize(file.scores);
    const eval::JudgedSet set =
        eval::join(records, [&](const data::Record& record) { return eval::verdict_of(file, record, flags_.score_scale); });
    for (const data::Record& record : records) context.unknown_scores -= static_cast<std::int64_t>(file.scores.contains(record.id));
    context.settings = flags_.source.chosen();
    context.settings.update({{"scores", flags_.scores}, {"score_scale", flags_.score_scale}});
    return finish(records, set, protocol, context, nullptr);
  }

  Json judged(const std::vector<data::Record>& records, const eval::Protocol& protocol, eval::ResultContext& context) {
    judging_.folder = flags_.source.output_dir;
    judging_.listener = flags_.listener;
    judge_records(judging_, records);
    const EvalVerdicts verdicts(judging_);
    context.judge = !flags_.name.empty() ? flags_.name : judging_.flags.model.empty() ? "embedded judge" : judging_.flags.model;
    context.cost = verdicts.cost();
    context.settings = read_json(judging_.folder + "/settings.json");
    context.settings.update(flags_.source.chosen());
    if (!flags_.listener.empty()) context.settings["listener"] = flags_.listener;
    const eval::JudgedSet set = eval::join(records, [&](const data::Record& record) { return verdicts.of(record); });
    return finish(records, set, protocol, context, &verdicts);
  }

  Json finish(const std::vector<data::Record>& records, const eval::JudgedSet& set, const eval::Protocol& protocol,
              const eval::ResultContext& context, const EvalVerdicts* verdicts) {
    eval::ProtocolOptions options;
    if (flags_.threshold >= 0) options.threshold = flags_.threshold;
    const eval::Outcome outcome = evaluate(set, protocol, options);
    Json result = result_json(records, set, protocol, outcome, context);
    if (!outcome.chosen.empty() && !options.threshold && protocol.name == "pickapic-tie")
      log_warning("the threshold was chosen on the data it is measured on; choose it on validation data and give --threshold");
    if (verdicts) {
      if (Json curve = verdicts->cost_curve(records, set); !curve.empty()) result["cost_curve"] = std::move(curve);
      for (Json& error : result["errors"]) {
        const bool pair = !error.contains("ranks");
        const std::string id = error.at("id").get<std::string>();
        error["reason"] = verdicts->reason(pair ? id : format("{}#{}-{}", id, error["pair"][0].get<int>(), error["pair"][1].get<int>()));
      }
    }
    if (had_bytes_ && (!flags_.source.output_dir.empty() || !flags_.report.empty()))
      pictures_ = pictures_in_rows(flags_.source, result["errors"]);
    if (!flags_.source.output_dir.empty()) {
      write_file_atomic(flags_.source.output_dir + "/rows.jsonl", rows_jsonl(set, outcome));
      write_file_atomic(flags_.source.output_dir + "/result.json", result.dump(1) + "\n");
      write_page(flags_.source.output_dir + "/report.html", result);
    }
    if (!flags_.report.empty()) write_page(flags_.report, result);
    return result;
  }

  void write_page(const std::string& path, const Json& result) const {
    Json beside = Json::array();
    for (const eval::PublishedNumber& p : eval::published_numbers())
      if (p.dataset == result.at("dataset") && p.protocol == result.at("protocol"))
        beside.push_back({{"name", p.name}, {"value", p.value}, {"source", p.source}, {"kind", p.human ? "human" : "published"}});
    report::write_eval_report(path, result, beside, pictures_);
    log_info(format("report: {}", path));
  }

  EvalFlags flags_;
  EvalJudging judging_;
  bool had_bytes_ = false;
  report::GalleryPictures pictures_;
};

}  // namespace

CommandPtr make_eval_command() {
  return std::make_unique<EvalCommand>();
}

}  // namespace beholder::app
