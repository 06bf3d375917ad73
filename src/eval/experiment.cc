#include "eval/experiment.h"

#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::eval {
namespace {

constexpr std::string_view kOwnKeys[] = {"name", "train", "seeds", "note", "against"};

[[noreturn]] void refuse(const std::string& where, const std::string& what, const std::string& fix) {
  throw Error(Code::kUsage, where, what, fix);
}

std::string folder_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  return out;
}

void merge(toml::table& into, const toml::table& from) {
  for (const auto& [key, node] : from) {
    toml::table* there = into[key].as_table();
    if (there && node.is_table())
      merge(*there, *node.as_table());
    else
      into.insert_or_assign(key, node);
  }
}

void check_keys(const toml::table& table, std::initializer_list<std::string_view> known, const std::string& where) {
  for (const auto& [key, node] : table)
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      refuse(where, format("unknown key \"{}\"", key.str()), format("it takes {}", fmt::join(known, ", ")));
}

// Nothing where the key is missing; kUsage where it is something else than a T.
template <class T>
std::optional<T> value_of(const toml::table& table, std::string_view key, const std::string& where, const char* what) {
  const toml::node* node = table.get(key);
  if (!node) return std::nullopt;
  const std::optional<T> value = node->value_exact<T>();
  if (!value) refuse(format("{}: {}", where, key), format("is not {}", what), "see docs/methods/experiment.md");
  return value;
}

std::string text_of(const toml::table& table, std::string_view key, const std::string& where, std::string_view otherwise = "") {
  return value_of<std::string>(table, key, where, "a text in quotes").value_or(std::string(otherwise));
}

template <class T>
std::vector<T> list_of(const toml::table& table, std::string_view key, const std::string& where, const char* what) {
  const toml::node* node = table.get(key);
  if (!node) return {};
  const toml::array* array = node->as_array();
  std::vector<T> out;
  for (std::size_t i = 0; array && i < array->size(); ++i)
    if (const auto value = array->get(i)->value_exact<T>(); value && std::find(out.begin(), out.end(), *value) == out.end())
      out.push_back(*value);
  if (!array || out.size() != array->size() || out.empty())
    refuse(format("{}: {}", where, key), format("is not a list of different {}", what), "see docs/methods/experiment.md");
  return out;
}

class Reader {
 public:
  Reader(const std::string& path, const std::string& base_model) : path_(path), base_model_(base_model) {
    try {
      recipe_ = toml::parse(read_file(path), path);
    } catch (const toml::parse_error& e) {
      refuse(format("{}:{}", path, e.source().begin.line), std::string(e.description()), "see docs/methods/experiment.md");
    }
  }

  Experiment read() {
    check_keys(recipe_, {"output_dir", "title", "seeds", "eval", "grpo", "sft", "arm"}, path_);
    out_.output_dir = text_of(recipe_, "output_dir", path_);
    if (out_.output_dir.empty()) refuse(path_, "names no output_dir", "say where the runs go, e.g. output_dir = \"runs/ablation\"");
    out_.title = text_of(recipe_, "title", path_, "Experiment");
    seeds_ = list_of<std::int64_t>(recipe_, "seeds", path_, "whole numbers");
    if (seeds_.empty()) seeds_ = {1};
    read_eval();
    const toml::array* arms = recipe_["arm"].as_array();
    if (!arms || arms->empty() || !arms->is_homogeneous<toml::table>()) refuse(path_, "has no [[arm]]", "add one per training to compare");
    for (const toml::node& arm : *arms) add_arm(*arm.as_table());
    for (std::size_t r = 0; r < out_.runs.size(); ++r) resolve(r);
    for (std::size_t a = 0; a < out_.arms.size(); ++a)
      if (!against_[a].empty()) out_.arms[a].against = index_of(against_[a], out_.arms[a].name);
    check_circles();
    return std::move(out_);
  }

 private:
  void read_eval() {
    const toml::table* eval = recipe_["eval"].as_table();
    if (!eval) return refuse(path_, "has no [eval]", "say what to measure on: splits = [\"test\"], n = 1000");
    const std::string where = path_ + ": eval";
    check_keys(*eval, {"splits", "n", "listener", "votes", "votes_items", "world_seed"}, where);
    out_.splits = list_of<std::string>(*eval, "splits", where, "names");
    if (out_.splits.empty()) refuse(where + ": splits", "is missing", "e.g. splits = [\"test\"]");
    eval_args_ = {"--n", std::to_string(value_of<std::int64_t>(*eval, "n", where, "a whole number").value_or(1000))};
    const auto add = [&](const char* flag, const std::string& value) { eval_args_.insert(eval_args_.end(), {flag, value}); };
    if (const std::string listener = text_of(*eval, "listener", where); !listener.empty())
      add("--listener", listener == "base" ? base_model_ : listener);
    for (const auto& [key, flag] : {std::pair{"votes", "--votes"}, {"votes_items", "--votes-items"}, {"world_seed", "--seed"}})
      if (const auto value = value_of<std::int64_t>(*eval, key, where, "a whole number")) add(flag, std::to_string(*value));
  }

  void add_arm(const toml::table& table) {
    Arm arm{.name = text_of(table, "name", path_ + ": arm"), .note = text_of(table, "note", path_ + ": arm"), .runs = {}};
    const std::string where = format("{}: arm \"{}\"", path_, arm.name), train = text_of(table, "train", where, "grpo");
    if (folder_name(arm.name).empty()) refuse(path_ + ": [[arm]]", "has no name", "give each arm a name of its own");
    if (!folders_.insert(folder_name(arm.name)).second) refuse(where, "is there twice", "give each arm a name of its own");
    if (train != "grpo" && train != "sft" && train != "none") refuse(where, format("train = \"{}\"", train), "choose grpo, sft or none");
    toml::table settings;
    if (const toml::table* base = recipe_[train].as_table()) settings = *base;
    for (const auto& [key, node] : table)
      if (std::find(std::begin(kOwnKeys), std::end(kOwnKeys), key.str()) == std::end(kOwnKeys)) merge(settings, toml::table{{key, node}});
    against_.push_back(text_of(table, "against", where));
    std::vector<std::int64_t> seeds = list_of<std::int64_t>(table, "seeds", where, "whole numbers");
    if (train == "none") {
      if (!settings.empty()) refuse(where, "has settings but trains nothing", "set train = \"grpo\" or \"sft\"");
      seeds = {0};
    } else if (seeds.empty()) {
      seeds = seeds_;
    }
    for (const std::int64_t seed : seeds) {
      arm.runs.push_back(out_.runs.size());
      out_.runs.push_back({.arm = arm.name,
                           .dir = format("{}/{}/seed-{}", out_.output_dir, folder_name(arm.name), seed),
                           .seed = seed,
                           .max_steps = 0,
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
    if (arm == out_.arms.end()) refuse(format("{}: arm \"{}\"", path_, user), format("\"{}\" is no arm", name), "name one of the recipe's");
    return static_cast<std::size_t>(arm - out_.arms.begin());
  }

  // "@arm" in any setting: the folder of that arm's model with the same seed, or its first.
  std::string model_of(const std::string& name, ArmRun& run) {
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
    ArmRun& run = out_.runs[r];
    if (trains_[r] != "none") {
      toml::table& settings = settings_[r];
      settings.for_each([&](auto& node) {
        if constexpr (toml::is_string<decltype(node)>)
          if (node->starts_with("@")) *node = model_of(node->substr(1), run);
      });
      if (!settings.contains("model")) settings.insert("model", base_model_);
      run.max_steps = settings["max_steps"].value_or(std::int64_t{0});
      if (run.max_steps <= 0)
        refuse(format("{}: arm \"{}\"", path_, run.arm), "has no max_steps",
               "say in it, or in [grpo] or [sft], how many updates it trains");
      std::ostringstream text;
      text << settings << "\n";
      run.settings = text.str();
      run.steps.push_back({{"train", trains_[r], "--config", run.dir + "/settings.toml", "--output-dir", run.dir + "/train", "--seed",
                            std::to_string(run.seed), "--quiet", "--json"},
                           run.dir + "/trained.json"});
    }
    for (const std::string& split : out_.splits) {
      Step step{{"world", "eval", "--model", model_dir(r), "--split", split, "--rows", rows_path(run, split), "--quiet", "--json"},
                summary_path(run, split)};
      step.args.insert(step.args.end(), eval_args_.begin(), eval_args_.end());
      run.steps.push_back(std::move(step));
    }
  }

  void check_circles() const {
    std::vector<int> state(out_.runs.size());  // 1: being visited, 2: fine
    const std::function<void(std::size_t)> visit = [&](std::size_t r) {
      if (state[r] == 1)
        refuse(format("{}: arm \"{}\"", path_, out_.runs[r].arm), "needs itself through its \"@\" references", "cut the circle");
      if (state[r] == 2) return;
      state[r] = 1;
      for (const std::size_t before : out_.runs[r].after) visit(before);
      state[r] = 2;
    };
    for (std::size_t r = 0; r < out_.runs.size(); ++r) visit(r);
  }

  std::string path_, base_model_;
  toml::table recipe_;
  Experiment out_;
  std::vector<std::int64_t> seeds_;
  std::vector<std::string> eval_args_, trains_, against_;  // trains_: per run; against_: per arm
  std::vector<toml::table> settings_;                      // per run
  std::set<std::string> folders_;
};

}  // namespace

std::string ArmRun::name() const {
  return seed == 0 && settings.empty() ? arm : format("{}, seed {}", arm, seed);
}

std::string summary_path(const ArmRun& run, const std::string& split) {
  return format("{}/{}.json", run.dir, split);
}

std::string rows_path(const ArmRun& run, const std::string& split) {
  return format("{}/{}.rows.jsonl", run.dir, split);
}

Experiment read_experiment(const std::string& path, const std::string& base_model) {
  return Reader(path, base_model).read();
}

}  // namespace beholder::eval
