#include <toml++/toml.h>

#include <algorithm>
#include <map>

#include "checklist/checklist.h"
#include "core/error.h"
#include "core/format.h"

namespace beholder::checklist {
namespace {

class Parser {
 public:
  Parser(std::string_view toml, std::string where, const std::vector<std::string>* lines) : where_(std::move(where)), lines_(lines) {
    try {
      table_ = toml::parse(toml, where_);
    } catch (const toml::parse_error& e) {
      throw Error(Code::kCorrupt, format("{}:{}", where_, e.source().begin.line), std::string(e.description()),
                  "see docs/methods/checklist.md");
    }
  }

  Checklist read() {
    check_keys(table_, {"title", "media", "lines", "presence", "dimension"});
    list_.title = text(table_, "title", where_);
    list_.media = text(table_, "media");
    if (list_.media != "image" && list_.media != "video") refuse(table_, "media is not \"image\" or \"video\"", "say what is asked about");
    if (lines_) start_lines();
    each(table_, "presence", [&](const toml::table& t) { presence(t); });
    each(table_, "dimension", [&](const toml::table& t) { dimension(t); });
    if (list_.questions.empty()) refuse(table_, "has no questions", "add [[dimension]] and [[dimension.sub]]");
    if (lines_) check_lines();
    check_needed();
    return std::move(list_);
  }

 private:
  [[noreturn]] void refuse(const toml::node& node, const std::string& what, const std::string& fix) const {
    throw Error(Code::kCorrupt, format("{}:{}", where_, node.source().begin.line), what, fix);
  }

  void check_keys(const toml::table& table, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, node] : table)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        refuse(node, format("unknown key \"{}\"", key.str()), format("it takes {}", fmt::join(known, ", ")));
  }

  std::string text(const toml::table& table, std::string_view key, const std::string& otherwise = "") const {
    const toml::node* node = table.get(key);
    if (!node) return otherwise;
    if (!node->is_string()) refuse(*node, format("{} is not a text in quotes", key), "put it in quotes");
    return *node->value<std::string>();
  }

  template <class F>
  void each(const toml::table& table, std::string_view key, F&& take) const {
    const toml::node* node = table.get(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array || !array->is_homogeneous<toml::table>())
      refuse(*node, format("{} is not a list of tables", key), format("write [[{}]]", key));
    for (const toml::node& entry : *array) take(*entry.as_table());
  }

  // A layout names every line of its question file; their texts are known before.
  void start_lines() {
    const auto count = table_["lines"].value_exact<std::int64_t>();
    if (!count)
      throw Error(Code::kUsage, where_, "is a checklist, not a layout of a question file", "give it as --questions, without --masks");
    if (*count != std::ssize(*lines_))
      throw Error(Code::kUnsupported, where_, format("lays out {} questions, the question file has {}", *count, lines_->size()),
                  "give the layout that belongs to the questions");
    for (const std::string& line : *lines_) list_.questions.push_back({.text = line, .level = {}, .sub = kNotPlaced});
  }

  void check_lines() const {
    for (std::size_t i = 0; i < list_.questions.size(); ++i)
      if (list_.questions[i].sub == kNotPlaced)
        refuse(table_, format("line {} of the questions is in no sub-dimension", i), "name every line once");
  }

  // A presence question that switches nothing off is asked for nothing; most likely a "needs" was forgotten.
  void check_needed() const {
    for (const Mask& mask : list_.masks)
      if (mask.dependants.empty())
        refuse(table_, format("the presence question \"{}\" is needed by no sub-dimension", mask.id),
               format("write needs = \"{}\" where its answer decides, or remove it", mask.id));
  }

  // The place of a question: a line of the question file, or the end of the list.
  int place_line(const toml::node& node, int sub) {
    const auto line = node.value_exact<std::int64_t>();
    if (!line || *line < 0 || *line >= std::ssize(list_.questions))
      refuse(node, "is no line of the question file", format("lines count from 0 to {}", list_.questions.size() - 1));
    Question& question = list_.questions[static_cast<std::size_t>(*line)];
    if (question.sub != kNotPlaced) refuse(node, format("line {} is named twice", *line), "name every line once");
    question.sub = sub;
    return static_cast<int>(*line);
  }
  int append(const toml::node& node, const std::string& question, const std::string& level, int sub) {
    if (lines_) refuse(node, "a layout takes its questions from the question file", "name lines instead");
    if (question.find_first_not_of(" \t\r\n") == question.npos) refuse(node, "an empty question", "write what is asked");
    for (const Question& known : list_.questions)
      if (known.text == question) refuse(node, format("the question \"{}\" stands twice", question), "ask it once");
    list_.questions.push_back({.text = question, .level = level, .sub = sub});
    return static_cast<int>(list_.questions.size()) - 1;
  }

  void presence(const toml::table& t) {
    check_keys(t, {"id", "question", "line"});
    const std::string id = text(t, "id");
    if (id.empty() || masks_.contains(id))
      refuse(t, format("the id \"{}\" is missing or stands twice", id), "name every presence question");
    const int at = t.contains("line") ? place_line_checked(t, *t.get("line")) : append(t, text(t, "question"), "", -1);
    masks_[id] = list_.masks.size();
    list_.masks.push_back({.id = id, .question = at, .dependants = {}});
  }
  int place_line_checked(const toml::table& t, const toml::node& line) {
    if (!lines_) refuse(t, "names a line, but there is no question file", "write the question");
    return place_line(line, -1);
  }

  void dimension(const toml::table& t) {
    check_keys(t, {"name", "sub"});
    const std::string name = text(t, "name");
    if (name.empty() || std::find(list_.dimensions.begin(), list_.dimensions.end(), name) != list_.dimensions.end())
      refuse(t, format("the dimension's name \"{}\" is missing or stands twice", name), "give every dimension a name of its own");
    list_.dimensions.push_back(name);
    const std::size_t before = list_.subs.size();
    each(t, "sub", [&](const toml::table& s) { sub_dimension(s); });
    if (list_.subs.size() == before) refuse(t, format("{} has no sub-dimension", name), "add [[dimension.sub]]");
  }

  void sub_dimension(const toml::table& t) {
    check_keys(t, {"name", "needs", "levels", "lines", "alignment"});
    const int sub = static_cast<int>(list_.subs.size());
    list_.subs.push_back({.name = text(t, "name"), .dimension = static_cast<int>(list_.dimensions.size()) - 1});
    if (list_.subs.back().name.empty()) refuse(t, "a sub-dimension has no name", "name it");
    for (int other = 0; other < sub; ++other)
      if (list_.subs[static_cast<std::size_t>(other)].dimension == list_.subs.back().dimension &&
          list_.subs[static_cast<std::size_t>(other)].name == list_.subs.back().name)
        refuse(t, format("{} has two sub-dimensions \"{}\"", list_.dimensions.back(), list_.subs.back().name),
               "give each a name of its own, or put their levels together");
    if (t.contains("alignment")) return alignment(t, *t.get("alignment"));
    std::vector<int> placed;
    for_array(t, "levels", [&](const toml::node& node) { placed.push_back(level(node, sub)); });
    for_array(t, "lines", [&](const toml::node& node) {
      if (!lines_) refuse(node, "names a line, but there is no question file", "write the questions as levels");
      placed.push_back(place_line(node, sub));
    });
    if (placed.empty()) refuse(t, format("{} has no questions", list_.subs.back().name), "give levels (or lines, in a layout), best first");
    if (t.contains("needs")) depend(t, text(t, "needs"), placed);
  }

  template <class F>
  void for_array(const toml::table& t, std::string_view key, F&& take) const {
    const toml::node* node = t.get(key);
    if (!node) return;
    if (!node->is_array()) refuse(*node, format("{} is not a list", key), "put it in [ ]");
    for (const toml::node& entry : *node->as_array()) take(entry);
  }

  void alignment(const toml::table& t, const toml::node& node) {
    if (list_.has_alignment()) refuse(node, "a second alignment score", "keep one");
    if (t.contains("levels") || t.contains("lines") || t.contains("needs"))
      refuse(node, "the alignment score is one value that always counts", "give its questions a sub-dimension of their own");
    list_.alignment_question = node.value<std::string>().value_or("");
    const bool flag = node.is_boolean() && *node.value<bool>();
    if (!(flag || (node.is_string() && !list_.alignment_question.empty())))
      refuse(node, "is neither a question nor true", "write the question");
    list_.subs.back().alignment = true;
  }

  int level(const toml::node& node, int sub) {
    const toml::array* pair = node.as_array();
    if (!pair || pair->size() != 2 || !pair->is_homogeneous<std::string>()) refuse(node, "is no level", "write [\"name\", \"question\"]");
    const std::string name = *pair->get(0)->value<std::string>();
    for (const Question& known : list_.questions)
      if (known.sub == sub && !name.empty() && known.level == name)
        refuse(node, format("the level \"{}\" stands twice in {}", name, list_.subs.back().name), "name every level once");
    return append(node, *pair->get(1)->value<std::string>(), name, sub);
  }

  void depend(const toml::table& t, const std::string& id, const std::vector<int>& questions) {
    const auto mask = masks_.find(id);
    if (mask == masks_.end()) refuse(t, format("needs \"{}\", which no [[presence]] asks for", id), "define it before the dimensions");
    std::vector<int>& all = list_.masks[mask->second].dependants;
    all.insert(all.end(), questions.begin(), questions.end());
  }

  static constexpr int kNotPlaced = -2;
  std::string where_;
  const std::vector<std::string>* lines_;
  toml::table table_;
  Checklist list_;
  std::map<std::string, std::size_t> masks_;
};

}  // namespace

Checklist parse_checklist(std::string_view toml, const std::string& where, const std::vector<std::string>* lines) {
  return Parser(toml, where, lines).read();
}

}  // namespace beholder::checklist
