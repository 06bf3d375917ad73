#include "eval/align_recipe.h"

#include <set>

#include "eval/recipe_toml.h"

namespace beholder::eval {
namespace {

constexpr const char* kLevels = "dimension, sub-dimension, question or total";

class AlignReader {
 public:
  AlignReader(const std::string& path, const CheckTraining& check) : file_(path, "docs/methods/mpo.md"), check_(check) { out_.path = path; }

  AlignRecipe read() {
    const toml::table& top = file_.table;
    check_keys(top,
               {"output_dir", "title", "model", "device", "seeds", "world_seed", "candidates", "evaluation", "sampling", "reward", "judge",
                "train", "arm"},
               out_.path);
    out_.output_dir = text_of(top, "output_dir", out_.path);
    if (out_.output_dir.empty()) refuse_recipe(out_.path, "names no output_dir", "say where it all goes, e.g. output_dir = \"runs/align\"");
    out_.title = text_of(top, "title", out_.path, "Alignment");
    out_.model = text_of(top, "model", out_.path);
    out_.device = text_of(top, "device", out_.path);
    out_.seeds = list_of<std::int64_t>(top, "seeds", out_.path, "whole numbers");
    if (out_.seeds.empty()) out_.seeds = {1};
    out_.world_seed = count_of(top, "world_seed", out_.path, 1, 0);
    out_.candidates = read_prompts("candidates", "train", 8, out_.candidates_num);
    if (out_.candidates_num < 2) refuse_recipe(out_.path + ": candidates: num", "is 1", "a pair needs two candidates of a prompt");
    out_.evaluation = read_prompts("evaluation", "test", 4, out_.evaluation_num);
    read_sampling();
    read_judges();
    read_arms();
    return std::move(out_);
  }

 private:
  PromptSource read_prompts(const char* name, const char* split, std::int64_t samples, std::int64_t& num) {
    const std::string where = format("{}: {}", out_.path, name);
    const toml::table& table = need_table(file_, name, "say which prompts: split = \"train\", n = 200, or prompts = \"prompts.txt\"");
    check_keys(table, {"prompts", "split", "n", "num"}, where);
    PromptSource out{.file = text_of(table, "prompts", where), .split = text_of(table, "split", where)};
    if (!out.file.empty() && !out.split.empty()) refuse_recipe(where, "names prompts and a split", "choose one of them");
    if (out.file.empty() && out.split.empty()) out.split = split;
    out.count = count_of(table, "n", where, out.file.empty() ? 100 : 0, out.file.empty() ? 1 : 0);
    num = count_of(table, "num", where, samples);
    return out;
  }

  void read_sampling() {
    static const toml::table kNone;
    const toml::table* given = file_.table["sampling"].as_table();
    const toml::table& table = given ? *given : kNone;
    const std::string where = out_.path + ": sampling";
    check_keys(table, {"steps", "guidance", "sampler"}, where);
    out_.steps = count_of(table, "steps", where, 20);
    out_.guidance = number_of(table, "guidance", where, 2, 0, 100);
    out_.sampler = text_of(table, "sampler", where, "heun");
    if (out_.sampler != "heun" && out_.sampler != "euler")
      refuse_recipe(where + ": sampler", format("is \"{}\"", out_.sampler), "choose heun or euler");
  }

  AnswerSource read_source(const toml::table& table, const std::string& where) {
    AnswerSource out{
        .name = text_of(table, "name", where), .by = text_of(table, "by", where, "ask"), .model = text_of(table, "model", where)};
    if (out.by != "ask" && out.by != "inspect")
      refuse_recipe(where + ": by", format("is \"{}\"", out.by), "choose ask (a model answers) or inspect (the world's truth)");
    if (out.by == "inspect" && !out.model.empty())
      refuse_recipe(where + ": model", "has nothing to do with by = \"inspect\"", "leave it out: the truth is read off the pixels");
    return out;
  }

  void read_judges() {
    const std::string where = out_.path + ": reward";
    const toml::table& reward = need_table(file_, "reward", "say what rewards: questions = \"world\", weights = \"weights.json\"");
    check_keys(reward, {"questions", "masks", "weights", "coding", "by", "model"}, where);
    out_.questions = text_of(reward, "questions", where);
    out_.masks = text_of(reward, "masks", where);
    out_.weights = text_of(reward, "weights", where);
    out_.coding = text_of(reward, "coding", where, "hard");
    if (out_.questions.empty() || out_.weights.empty())
      refuse_recipe(where, "has no questions or no weights",
                    "give questions = a list of `checklist tree` and weights = a file of `checklist fit`");
    if (out_.coding != "hard" && out_.coding != "soft") refuse_recipe(where + ": coding", "is unknown", "choose hard or soft");
    out_.reward = read_source(reward, where);
    std::set<std::string> names;
    for (const toml::table* judge : need_tables(file_, "judge", "say who judges the outcome: name = \"checklist\", by = \"ask\"")) {
      check_keys(*judge, {"name", "by", "model"}, out_.path + ": judge");
      out_.judges.push_back(read_source(*judge, out_.path + ": judge"));
      unique_folder(out_.judges.back().name, "[[judge]]", names);
    }
  }

  std::string unique_folder(const std::string& name, const char* what, std::set<std::string>& taken) {
    std::string folder = folder_name(name);
    if (folder.empty()) refuse_recipe(format("{}: {}", out_.path, what), "has no name", "give each one a name of its own");
    if (!taken.insert(folder).second)
      refuse_recipe(format("{}: {}", out_.path, what), format("the name \"{}\" is taken", name), "give each one a name of its own");
    return folder;
  }

  void read_arms() {
    std::set<std::string> folders = {"base", "candidates", "inputs"};
    for (const toml::table* table : need_tables(file_, "arm", "add one per way of training; the base is always there")) {
      AlignArm arm{.name = text_of(*table, "name", out_.path + ": arm"), .note = text_of(*table, "note", out_.path + ": arm")};
      arm.folder = unique_folder(arm.name, "[[arm]]", folders);
      const std::string where = format("{}: arm \"{}\"", out_.path, arm.name);
      arm.level = text_of(*table, "level", where, "dimension");
      if (arm.level != "dimension" && arm.level != "sub-dimension" && arm.level != "question" && arm.level != "total")
        refuse_recipe(where + ": level", format("is \"{}\"", arm.level), format("choose {}", kLevels));
      arm.threshold = number_of(*table, "threshold", where, 0, 0, 1e9);
      const toml::table settings = settings_over(file_.table["train"].as_table(), *table, {"name", "note", "level", "threshold"});
      for (const char* key : {"model", "data", "output_dir", "seed"})
        if (settings.contains(key)) refuse_recipe(where, format("sets {}, which the loop does", key), "leave it out");
      arm.settings = toml_text(settings);
      arm.training = check_(arm.settings, where + ", its settings");
      out_.arms.push_back(std::move(arm));
    }
  }

  RecipeFile file_;
  const CheckTraining& check_;
  AlignRecipe out_;
};

}  // namespace

AlignRecipe read_align_recipe(const std::string& path, const CheckTraining& check_training) {
  return AlignReader(path, check_training).read();
}

}  // namespace beholder::eval
