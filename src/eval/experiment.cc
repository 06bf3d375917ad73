#include "eval/experiment.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "eval/recipe_toml.h"

namespace beholder::eval {
namespace {

class Reader {
 public:
  Reader(const std::string& path, const std::string& base_model)
      : path_(path), base_model_(base_model), file_(path, "docs/methods/experiment.md"), recipe_(file_.table) {}

  Experiment read() {
    check_keys(recipe_, {"output_dir", "title", "model", "seeds", "eval", "grpo", "sft", "arm"}, path_);
    out_.output_dir = text_of(recipe_, "output_dir", path_);
    if (out_.output_dir.empty()) refuse_recipe(path_, "names no output_dir", "say where the runs go, e.g. output_dir = \"runs/ablation\"");
    out_.title = text_of(recipe_, "title", path_, "Experiment");
    base_model_ = text_of(recipe_, "model", path_, base_model_);
    seeds_ = list_of<std::int64_t>(recipe_, "seeds", path_, "whole numbers");
    if (seeds_.empty()) seeds_ = {1};
    read_eval();
    for (const toml::table* arm : need_tables(file_, "arm", "add one per training to compare")) add_arm(*arm);
    for (std::size_t r = 0; r < out_.runs.size(); ++r) resolve(r);
    for (std::size_t a = 0; a < out_.arms.size(); ++a)
      if (!against_[a].empty()) out_.arms[a].against = index_of(against_[a], out_.arms[a].name);
    check_circles();
    return std::move(out_);
  }

 private:
  void read_eval() {
    const toml::table& eval = need_table(file_, "eval", "say what to measure on: splits = [\"test\"], n = 1000");
    const std::string where = path_ + ": eval";
    check_keys(eval, {"splits", "n", "listener", "votes", "votes_items", "world_seed"}, where);
    out_.splits = list_of<std::string>(eval, "splits", where, "names");
    if (out_.splits.empty()) refuse_recipe(where + ": splits", "is missing", "e.g. splits = [\"test\"]");
    eval_args_ = {"--n", std::to_string(value_of<std::int64_t>(eval, "n", where, "a whole number").value_or(1000))};
    const auto add = [&](const char* flag, const std::string& value) { eval_args_.insert(eval_args_.end(), {flag, value}); };
    if (const std::string listener = text_of(eval, "listener", where); !listener.empty())
      add("--listener", listener == "base" ? base_model_ : listener);
    for (const auto& [key, flag] : {std::pair{"votes", "--votes"}, {"votes_items", "--votes-items"}, {"world_seed", "--seed"}})
      if (const auto value = value_of<std::int64_t>(eval, key, where, "a whole number")) add(flag, std::to_string(*value));
  }

  void add_arm(const toml::table& table) {
    Arm arm{.name = text_of(table, "name", path_ + ": arm"), .note = text_of(table, "note", path_ + ": arm"), .runs = {}};
    const std::string where = format("{}: arm \"{}\"", path_, arm.name), train = text_of(table, "train", where, "grpo");
    if (folder_name(arm.name).empty()) refuse_recipe(path_ + ": [[arm]]", "has no name", "give each arm a name of its own");
    if (!folders_.insert(folder_name(arm.name)).second) refuse_recipe(where, "is there twice", "give each arm a name of its own");
    if (train != "grpo" && train != "sft" && train != "none")
      refuse_recipe(where, format("train = \"{}\"", train), "choose grpo, sft or none");
    toml::table settings = settings_over(recipe_[train].as_table(), table, {"name", "train", "seeds", "note", "against"});
    against_.push_back(text_of(table, "against", where));
    std::vector<std::int64_t> seeds = list_of<std::int64_t>(table, "seeds", where, "whole numbers");
    if (train == "none") {
      if (settings.size() > (settings.contains("answer") ? 1 : 0))
        refuse_recipe(where, "has settings but trains nothing", "set train = \"grpo\" or \"sft\"");
      seeds = {0};
    } else if (seeds.empty()) {
      seeds = seeds_;
    }
    for (const std::int64_t seed : seeds) {
      arm.runs.push_back(out_.runs.size());
      out_.runs.push_back({.arm = arm.name,
                           .dir = format("{}/{}/seed-{}", out_.output_dir, folder_name(arm.name), seed),
                           .seed = seed,
                           .settings = {},
                           .steps = {},
                           .after = {}});
      settings_.push_back(settings);
      trains_.push_back(train);
    }
    out_.arms.push_back(std::move(arm));
  }

  std::size_t index_of(const std::string& name, const std::string& user) const {
    const auto arm = std::find_if(out_.arms.begin(), out_.arms.end(), [&](const Arm& a) { return a.name == name; });
    if (arm == out_.arms.end())
      refuse_recipe(format("{}: arm \"{}\"", path_, user), format("\"{}\" is no arm", name), "name one of the recipe's");
    return static_cast<std::size_t>(arm - out_.arms.begin());
  }

  // "@arm" in any setting: the folder of that arm's model with the same seed, or its first.
  std::string model_of(const std::string& name, Run& run) {
    const Arm& arm = out_.arms[index_of(name, run.arm)];
    std::size_t found = arm.runs[0];
    for (const std::size_t r : arm.runs)
      if (out_.runs[r].seed == run.seed) found = r;
    if (trains_[found] == "none") return base_model_;
    run.after.push_back(found);
    return model_dir(found);
  }

  std::string model_dir(std::size_t r) const {
    const bool best = trains_[r] == "grpo" && settings_[r]["eval_steps"].value_or(std::int64_t{0}) > 0;
    return trains_[r] == "none" ? base_model_ : out_.runs[r].dir + (best ? "/train/best" : "/train/final");
  }

  void resolve(std::size_t r) {
    Run& run = out_.runs[r];
    if (trains_[r] != "none") {
      toml::table& settings = settings_[r];
      settings.for_each([&](auto& node) {
        if constexpr (toml::is_string<decltype(node)>)
          if (node->starts_with("@")) *node = model_of(node->substr(1), run);
      });
      if (!settings.contains("model")) settings.insert("model", base_model_);
      const std::int64_t updates = settings["max_steps"].value_or(std::int64_t{0});
      if (updates <= 0)
        refuse_recipe(format("{}: arm \"{}\"", path_, run.arm), "has no max_steps",
                      "say in it, or in [grpo] or [sft], how many updates it trains");
      run.settings = toml_text(settings);
      run.fixed = 1;
      run.steps.push_back({.args = {"train", trains_[r], "--config", run.dir + "/settings.toml", "--output-dir", run.dir + "/train",
                                    "--seed", std::to_string(run.seed), "--quiet", "--json"},
                           .done = run.dir + "/trained.json",
                           .progress = run.dir + "/train/metrics.jsonl",
                           .pieces = updates});
    }
    for (const std::string& split : out_.splits) {
      Step step{.args = {"world", "eval", "--model", model_dir(r), "--split", split, "--rows", rows_path(run, split), "--quiet", "--json"},
                .done = summary_path(run, split)};
      step.args.insert(step.args.end(), eval_args_.begin(), eval_args_.end());
      if (gives_scores(settings_[r])) step.args.insert(step.args.end(), {"--answer", "score"});
      run.steps.push_back(std::move(step));
    }
  }

  // A judge is asked as it was trained; one that was not, as its arm says.
  static bool gives_scores(const toml::table& settings) {
    bool found = settings["answer"].value_or(std::string{}) == "score";
    if (const toml::array* rewards = settings["reward_funcs"].as_array())
      for (const toml::node& reward : *rewards) found = found || reward.value<std::string>() == "score";
    return found;
  }

  void check_circles() const {
    std::vector<int> state(out_.runs.size());  // 1: being visited, 2: fine
    const std::function<void(std::size_t)> visit = [&](std::size_t r) {
      if (state[r] == 1)
        refuse_recipe(format("{}: arm \"{}\"", path_, out_.runs[r].arm), "needs itself through its \"@\" references", "cut the circle");
      if (state[r] == 2) return;
      state[r] = 1;
      for (const std::size_t before : out_.runs[r].after) visit(before);
      state[r] = 2;
    };
    for (std::size_t r = 0; r < out_.runs.size(); ++r) visit(r);
  }

  std::string path_, base_model_;
  RecipeFile file_;
  const toml::table& recipe_;
  Experiment out_;
  std::vector<std::int64_t> seeds_;
  std::vector<std::string> eval_args_, trains_, against_;  // trains_: per run; against_: per arm
  std::vector<toml::table> settings_;                      // per run
  std::set<std::string> folders_;
};

}  // namespace

std::string summary_path(const Run& run, const std::string& split) {
  return format("{}/{}.json", run.dir, split);
}

std::string rows_path(const Run& run, const std::string& split) {
  return format("{}/{}.rows.jsonl", run.dir, split);
}

Experiment read_experiment(const std::string& path, const std::string& base_model) {
  return Reader(path, base_model).read();
}

}  // namespace beholder::eval
