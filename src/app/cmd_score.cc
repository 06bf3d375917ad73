// beholder score: each medium alone with its prompt, from 0 to 10; of many for one prompt, the best.
#include "app/command.h"
#include "app/judge_run.h"
#include "app/judge_view.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "judge/best_of.h"
#include "judge/score.h"
#include "judge/score_cache.h"

namespace beholder::app {
namespace {

class ScoreCommand : public Command {
 public:
  std::string name() const override { return "score"; }
  std::string summary() const override { return "score images or videos one by one, 0 to 10, and select the best of every prompt"; }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Without --prompt, folders are searched with everything below them; the prompt of a.png is in a.txt beside it, else in the "
           "nearest\n"
           "prompt.txt in its folder or above.\n"
           "Examples:\n"
           "  beholder score --prompt \"a yellow triangle\" a.png b.png\n"
           "  beholder score candidates/ --out scores.jsonl --best best.jsonl --top 2\n"
           "  beholder score --in records.jsonl --out scores.jsonl --votes 4 --cache ~/.cache/beholder\n"
           "  beholder score --in records.jsonl --shard 2/8 --out scores-2.jsonl      one of eight programs side by side;\n"
           "  cat scores-?.jsonl > all.jsonl                                          all together: what one program would have written,\n"
           "  beholder score --in records.jsonl --out all.jsonl --resume --best best.jsonl   in another order, and the selection from it";
  }
  void fields(FieldList& f) override {
    flags_.fields(f);
    options_.sampling_fields(f);
    f.group("Best of n");
    f.add("best", best_, "write the best media of every prompt here, one JSON object a line");
    f.add_range("top", top_, 1, 1e9, "with --best: so many of every prompt");
    f.group("The judge");
    f.add("cache", cache_dir_, "folder that keeps scores by content and settings; what is in it needs no model. Programs may share it");
  }

  int run(const std::vector<std::string>& operands) override {
    check();
    judge::BestOf best(best_.empty() ? 0 : top_);
    std::optional<Cached> cache;
    if (!cache_dir_.empty()) cache.emplace(cache_dir_, model_dir(flags_), settings());
    run_judge(flags_, options_, operands, json, job(best, cache ? &*cache : nullptr));
    return 0;
  }

 private:
  void check() const {
    if (!best_.empty() && !flags_.shard.empty())
      throw Error(Code::kUsage, "--best", "a shard does not see all media of a prompt",
                  "put the shards' results together in one file and give it as --out with --resume and --best, without --shard");
    check_output_place(best_, "--best");
  }

  // Every flag that may change a score.
  Json settings() {
    FieldList list;
    flags_.judge_fields(list);
    options_.sampling_fields(list);
    return result_settings(list, options_);
  }

  struct Cached {
    Cached(const std::string& folder, const std::string& model, const Json& settings) : scores(folder, model, settings) {}
    judge::ScoreCache scores;
    std::int64_t hits = 0, misses = 0;  // media whose score was there, and that were asked about
  };

  static judge::ScoreTask task(const JudgeItem& item) { return {item.prompt, item.media, item.known}; }

  JudgeJob job(judge::BestOf& best, Cached* cache) {
    JudgeJob job;
    job.unit = "records";
    job.takes_folders = true;
    job.settings = settings();
    job.refuse = [](const JudgeItem& item) {
      if (item.media.empty()) throw Error(Code::kInvalidInput, "score", "none of the media can be read", "see the warnings above");
    };
    job.inquire = [this, cache](const JudgeItem& item) {
      judge::Inquiry inquiry{judge::score_questions(task(item), options_)};
      inquiry.result = [cache, item](std::span<const judge::Answered> answers) {
        const judge::Scores scores = judge::read_scores(task(item), answers);
        if (cache) keep(*cache, item, scores);
        return to_json(scores);
      };
      return inquiry;
    };
    job.show = [](const Json& scores) { return show_scores(scores, terminal_style()); };
    job.show_short = [](const Json& scores) { return show_score_lines(scores, terminal_style()); };
    job.seen = [&best](const Json& result) { best.add(result); };
    job.finish = [this, &best, cache] { return finish(best, cache); };
    if (cache) job.known = [cache](const std::string& prompt, const std::string& source) { return cache->scores.find(prompt, source); };
    return job;
  }

  static void keep(Cached& cache, const JudgeItem& item, const judge::Scores& scores) {
    for (std::size_t i = 0; i < item.media.size(); ++i) {
      ++(item.known[i] ? cache.hits : cache.misses);
      if (!item.known[i]) cache.scores.keep(item.prompt, item.sources[i], scores.media[i]);
    }
  }

  Json finish(const judge::BestOf& best, const Cached* cache) const {
    Json out{{"scored", best.scored()}, {"mean", best.scored() > 0 ? Json(best.mean()) : Json()}, {"unparsed", best.unscored()}};
    log_info(format("{} media scored{}, {} without a readable answer, {} that cannot be opened", best.scored(),
                    best.scored() > 0 ? format(", mean {:.2f}", best.mean()) : "", best.unscored(), best.unread()));
    if (cache) {
      out["cache"] = {{"hits", cache->hits}, {"misses", cache->misses}, {"damaged", cache->scores.damaged()}};
      log_info(format("cache: {} hits, {} misses{}", cache->hits, cache->misses,
                      cache->scores.damaged() > 0 ? format(", {} damaged entries left out", cache->scores.damaged()) : ""));
    }
    if (!best_.empty()) write_best(best);
    return out;
  }

  void write_best(const judge::BestOf& best) const {
    write_file_atomic(best_, [&](const std::function<void(std::string_view)>& sink) {
      for (const Json& line : best.lines()) sink(json_line(line) + "\n");
    });
    log_info(format("best {} of {} prompts, in {}", top_, best.prompts(), best_));
  }

  JudgeRunFlags flags_;
  judge::JudgeOptions options_;
  std::string best_, cache_dir_;
  std::int64_t top_ = 1;
};

}  // namespace

CommandPtr make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace beholder::app
