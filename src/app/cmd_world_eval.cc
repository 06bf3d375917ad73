// beholder world eval: how well a judge sees and judges the embedded world, against the truth.
#include <algorithm>

#include "app/command.h"
#include "app/world_votes.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "judge/judge.h"
#include "train/listener.h"
#include "train/world_media.h"
#include "vlm/generate.h"
#include "world/measure.h"
#include "world/sample.h"

namespace beholder::app {
namespace {

constexpr std::int64_t kBlock = 64;  // items rendered and asked about at once

class WorldEvalCommand : public Command {
 public:
  std::string name() const override { return "world eval"; }
  std::string summary() const override { return "measure a judge on the embedded world, where the truth is known"; }
  std::string examples() const override {
    return "Examples:\n  beholder world eval --split test --n 2000\n  beholder world eval --model runs/sft/final --split ood-generator --n "
           "500 --json\n"
           "The judge thinks and answers freely (greedy, one order); every statement of its thought is held against the scene.\n"
           "Splits: train validation test ood-combination ood-generator ood-voters.";
  }
  void fields(FieldList& f) override {
    f.add("model", model_, "checkpoint folder, or org/name in the hub cache; empty: the embedded judge");
    f.add("split", split_, "which part of the world");
    f.add_range("n", n_, 1, 1e6, "items");
    f.add_range("first", first_, 0, 1e12, "index of the first item");
    f.add("rows", rows_, "file to write one JSON line per item to, with its part in every metric");
    f.add("listener", listener_dir_, "checkpoint that reads every thought without its answer; contradiction: it prefers the other medium");
    f.add_range("votes", votes_, 0, 1024, "beside the greedy answer: so many sampled thoughts in each order, and what they buy; 0: none");
    f.add_range("votes_items", votes_items_, 0, 1e6, "ask for them on the first so many items; 0: on all");
    f.add("dtype", dtype_, "fp32, bf16 or fp16");
    f.add("device", device_, "cpu or cuda");
    f.add_choice(
        "answer", options_.answer, {"soft", "score"},
        "soft: the better medium, probability from the answer's token; score: 0 to 10 each, the higher is chosen, equal ones are wrong");
    f.add("quantize", quantize_, "int8 or int4: the judge's decoder in so many bits");
    world_.fields(f);
    options_.votes = 1;
    options_.max_completion_length = 256;
    f.add_range("max_completion_length", options_.max_completion_length, 8, 4096, "tokens of one completion");
    f.add_range("batch_size", options_.batch_size, 1, 4096, "questions sampled together");
  }

  int run(const std::vector<std::string>&) override {
    const world::Split split = world::split_named(split_);
    options_.both_orders = false;
    options_.temperature = 0;
    if (votes_ > 0 && world_.media != 2) throw Error(Code::kUsage, "--votes", "compares two media", "leave out --media");
    const judge::JudgeModel loaded = judge::load_judge_model(
        named_model(model_), {vlm::parse_dtype(dtype_), vlm::parse_device(device_), vlm::parse_quantisation(quantize_)});
    vlm::set_process_for(loaded.model);
    vlm::ModelSampler sampler(loaded.model);
    judge::Judge judge(loaded.spec, sampler);
    std::optional<judge::JudgeModel> heard;
    if (!listener_dir_.empty()) {
      heard.emplace(judge::load_judge_model(listener_dir_, {vlm::parse_dtype(dtype_), vlm::parse_device(device_)}));
      listener_.emplace(heard->spec, heard->model, /*redact=*/false);
    }
    if (votes_ > 0) sampled_.emplace(options_, votes_);
    Progress progress(format("{} of {}", split_, loaded.dir), n_, "items");
    judge::Usage usage;
    for (std::int64_t begin = 0; begin < n_; begin += kBlock) {
      check_interrupt("run the command again");
      measure_block(judge, split, first_ + begin, std::min(kBlock, n_ - begin), usage);
      progress.update(std::min(begin + kBlock, n_),
                      format("{} tokens/s", human_count(static_cast<double>(usage.completion_tokens) / progress.seconds())));
    }
    if (!rows_.empty()) {
      std::string lines;
      for (std::size_t i = 0; i < measure_.items(); ++i) {
        Json row = measure_.row(i);
        row["completion_tokens"] = {tokens_[i], 1};
        if (sampled_ && i < sampled_->items()) sampled_->add_parts(i, row);
        lines += json_line(row) + "\n";
      }
      write_file_atomic(rows_, lines);
    }
    Json report = {{"model", loaded.dir}, {"split", split_},           {"n", n_},
                   {"first", first_},     {"world_seed", world_.seed}, {"sampling", "greedy, one order"}};
    report.update(measure_.report());
    if (sampled_) report["sampled"] = sampled_->report();
    report["tokens"] = {{"prompt", usage.prompt_tokens}, {"completion", usage.completion_tokens}};
    report["seconds"] = progress.seconds();
    if (json)
      fmt::print("{}\n", json_line(report));
    else
      show(report);
    return 0;
  }

 private:
  void measure_block(judge::Judge& judge, world::Split split, std::int64_t first, std::int64_t count, judge::Usage& usage) {
    std::vector<world::Item> items;
    std::vector<judge::Question> questions;
    for (std::int64_t i = 0; i < count; ++i) {
      items.push_back(world::make_item(world_, split, static_cast<std::uint64_t>(first + i)));
      questions.push_back(
          {.prompt = items.back().prompt.text(), .media = train::world_media(items.back(), judge.spec().patches), .kind = options_.kind()});
    }
    const auto answers = judge.ask(questions, options_);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const judge::Vote& vote = answers[i].votes.front();
      usage += answers[i].usage;
      tokens_.push_back(vote.tokens);
      std::optional<int> verdict;
      std::optional<double> p;
      if (vote.verdict.parsed) verdict = vote.verdict.choice - 1;
      if (vote.verdict.parsed && vote.p.size() == 2) p = vote.p[0];
      std::optional<double> heard;
      if (listener_ && vote.verdict.parsed && items[i].scenes.size() == 2) {
        const bool same_view = listener_->spec().patches == judge.spec().patches;
        const auto media = same_view ? questions[i].media : train::world_media(items[i], listener_->spec().patches);
        heard = listener_->hear({questions[i].prompt, media, {vote.verdict.thought}})[0];
      }
      measure_.add(items[i], vote.verdict.thought, verdict, p, heard);
    }
    if (!sampled_) return;
    const std::int64_t wanted = votes_items_ > 0 ? std::min(votes_items_, n_) : n_;
    const auto left = static_cast<std::size_t>(std::clamp<std::int64_t>(wanted - static_cast<std::int64_t>(sampled_->items()), 0, count));
    sampled_->ask(judge, std::span(items).first(left), std::span(questions).first(left));
  }

  static std::string decimals(const Json& value, int places) {
    return value.is_number() ? format("{:.{}f}", value.get<double>(), places) : "-";
  }

  static void show(const Json& report) {
    fmt::print("{} on {} (n = {}, greedy, one order)\n", report["model"].get<std::string>(), report["split"].get<std::string>(),
               report["n"].get<std::int64_t>());
    for (const char* key : {"attribute_accuracy", "defect_recall", "defect_precision", "thought_truth", "well_formed", "verdict_accuracy",
                            "naive_accuracy", "bayes_accuracy", "brier", "brier_true", "verdict_follows_faults", "first_share",
                            "contradiction", "accuracy_agreed", "accuracy_contradicted"}) {
      const Json& metric = report[key];
      if (metric["value"].is_null()) continue;
      fmt::print("  {:<22} {:.4f}  [{:.4f}, {:.4f}]  n {}\n", key, metric["value"].get<double>(), metric["interval"][0].get<double>(),
                 metric["interval"][1].get<double>(), metric["n"].get<double>());
    }
    if (!report.contains("sampled")) return;
    const Json& sampled = report["sampled"];
    fmt::print("\n{} thoughts in each order on {} items; both orders agree in {}\n  orders  votes  tokens  accuracy  Brier\n",
               sampled["votes"].dump(), sampled["items"].dump(), decimals(sampled["consistency"], 3));
    for (const Json& point : sampled["cost_curve"])
      fmt::print("  {:>6}  {:>5}  {:>6.0f}  {:>8}  {}\n", point["orders"].get<int>(), point["votes"].get<int>(),
                 point["tokens"].get<double>(), decimals(point["accuracy"]["value"], 4), decimals(point["brier"]["value"], 4));
  }

  std::string rows_, listener_dir_;
  std::optional<train::Listener> listener_;
  std::string model_, split_ = "test", dtype_ = "fp32", device_ = "cpu", quantize_ = "none";
  std::int64_t n_ = 500, first_ = 0, votes_ = 0, votes_items_ = 0;
  std::optional<WorldVotes> sampled_;
  std::vector<std::int64_t> tokens_;  // of each item's greedy answer
  world::WorldConfig world_;
  judge::JudgeOptions options_;
  world::Measure measure_;
};

}  // namespace

CommandPtr make_world_eval_command() {
  return std::make_unique<WorldEvalCommand>();
}

}  // namespace beholder::app
