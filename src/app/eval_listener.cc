#include "app/eval_listener.h"

#include <filesystem>
#include <fstream>

#include "app/eval_judge.h"
#include "app/jsonl_out.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "data/jsonl.h"
#include "report/record.h"
#include "train/listener.h"

namespace beholder::app {
namespace {

std::string heard_path(const EvalJudging& judging) {
  return judging.folder + "/heard.jsonl";
}

std::unordered_map<std::string, std::string> verdict_lines(const EvalJudging& judging) {
  std::unordered_map<std::string, std::string> out;
  std::ifstream in(judging.folder + "/verdicts.jsonl", std::ios::binary);
  for (std::string line; std::getline(in, line);)
    out[json_get<std::string>(parse_json(line, judging.folder), "id", "", judging.folder)] = line;
  return out;
}

// The mean over the thoughts of both orders; empty where there is none to hear.
std::optional<double> hear_pair(train::Listener& listener, judge::MediumStore& store, const data::Record& pair,
                                const report::Judged& judged) {
  if (judged.kind != report::Judged::Kind::kComparison) return std::nullopt;
  const JudgeItem item = load_item(store, pair);
  if (item.media.size() != 2) return std::nullopt;
  double sum = 0;
  int n = 0;
  for (const bool left_first : {true, false}) {
    std::vector<std::string> thoughts;
    for (const report::PairVote& vote : judged.pairs.at(0).votes)
      if (vote.parsed && vote.left_first == left_first) thoughts.push_back(vote.reason.thought);
    if (thoughts.empty()) continue;
    std::vector<judge::Medium> media = item.media;
    if (!left_first) std::swap(media[0], media[1]);
    for (const double p : listener.hear({pair.prompt, media, thoughts})) sum += left_first ? p : 1 - p, ++n;
  }
  return n > 0 ? std::optional(sum / n) : std::nullopt;
}

void check_same_listener(const EvalJudging& judging) {
  const std::string path = judging.folder + "/listener.json";
  const Json mine{{"listener", judging.listener}};
  if (std::filesystem::exists(path) && read_json(path) != mine)
    throw Error(Code::kUsage, path, format("another listener heard these verdicts: {}", read_json(path).value("listener", std::string())),
                "remove heard.jsonl and listener.json to hear them anew");
  write_file_atomic(path, mine.dump() + "\n");
}

}  // namespace

void hear_verdicts(const EvalJudging& judging) {
  check_same_listener(judging);
  const auto lines = verdict_lines(judging);
  JsonlOut out(heard_path(judging), /*resume=*/true);
  if (out.before().done >= std::ssize(lines)) return;
  JudgeRunFlags flags = judging.flags;
  flags.model = judging.listener;
  JudgeSession session(flags);
  train::Listener listener(session.model().spec, session.model().model, /*redact=*/false);
  data::RecordReader reader(judging.folder + "/pairs.jsonl");
  std::int64_t done = out.before().done;
  Progress progress("listening", std::ssize(lines), "pairs", done);
  while (const std::optional<data::Line> line = reader.next()) {
    check_interrupt("the same command with --resume continues");
    const auto verdict = line->record ? lines.find(line->record->id) : lines.end();
    if (verdict == lines.end() || out.take_done(line->record->id)) continue;
    const report::Judged judged = report::read_judged(parse_json(verdict->second, verdict->first), verdict->first);
    const std::optional<double> p = hear_pair(listener, session.store(), *line->record, judged);
    out.write({{"id", line->record->id}, {"heard", p ? Json(*p) : Json()}});
    progress.update(++done);
  }
}

std::unordered_map<std::string, double> read_heard(const EvalJudging& judging) {
  std::unordered_map<std::string, double> out;
  std::ifstream in(heard_path(judging), std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    const Json json = parse_json(line, heard_path(judging));
    if (json.contains("heard") && json["heard"].is_number()) out[json.value("id", std::string())] = json["heard"].get<double>();
  }
  return out;
}

}  // namespace beholder::app
