#include "checklist/checklist.h"

#include <algorithm>
#include <utility>

#include "checklist/shipped.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::checklist {
namespace {

using Shipped = std::pair<std::string_view, const std::string_view*>;
constexpr Shipped kLists[] = {{"image", &kImageList}, {"video", &kVideoList}, {"world", &kWorldList}, {"world-video", &kWorldVideoList}};
constexpr Shipped kLayouts[] = {
    {"visionreward-full", &kVisionRewardFull}, {"visionreward-select", &kVisionRewardSelect}, {"visionreward-video", &kVisionRewardVideo}};

template <std::size_t N>
const std::string_view* find(const Shipped (&shipped)[N], std::string_view name) {
  const auto it = std::find_if(std::begin(shipped), std::end(shipped), [&](const Shipped& s) { return s.first == name; });
  return it == std::end(shipped) ? nullptr : it->second;
}

// Without a layout: one dimension, one sub-dimension, no masks.
Checklist side_by_side(const std::vector<std::string>& lines, bool alignment) {
  Checklist list;
  list.title = "Questions";
  if (alignment) {
    list.dimensions.push_back("Alignment");
    list.subs.push_back({.name = "alignment", .dimension = 0, .alignment = true});
  }
  list.subs.push_back({.name = "questions", .dimension = static_cast<int>(list.dimensions.size())});
  list.dimensions.push_back("Questions");
  for (const std::string& line : lines)
    list.questions.push_back({.text = line, .level = {}, .sub = static_cast<int>(list.subs.size()) - 1});
  return list;
}

bool is_toml(const std::string& path) {
  return path.ends_with(".toml");
}

}  // namespace

bool Checklist::has_alignment() const {
  return std::any_of(subs.begin(), subs.end(), [](const SubDimension& s) { return s.alignment; });
}

std::vector<Feature> features_of(const Checklist& list) {
  std::vector<Feature> out;
  for (std::size_t s = 0; s < list.subs.size(); ++s)
    if (list.subs[s].alignment) out.push_back({.question = -1, .sub = static_cast<int>(s)});
  for (std::size_t q = 0; q < list.questions.size(); ++q)
    if (list.questions[q].sub >= 0) out.push_back({.question = static_cast<int>(q), .sub = list.questions[q].sub});
  return out;
}

std::string feature_text(const Checklist& list, const Feature& feature) {
  if (feature.question >= 0) return list.questions[static_cast<std::size_t>(feature.question)].text;
  return list.alignment_question.empty() ? "How well does it show the prompt?" : list.alignment_question;
}

const std::string_view* shipped_checklist(std::string_view name) {
  return find(kLists, name);
}
const std::string_view* shipped_layout(std::string_view name) {
  return find(kLayouts, name);
}

std::string lists_with(std::size_t questions) {
  using Counted = std::pair<std::size_t, std::string>;
  static const std::vector<Counted> kCounted = [] {  // once: a file may have many bad lines
    std::vector<Counted> out;
    for (const auto& [name, text] : kLists) out.emplace_back(parse_checklist(*text, std::string(name)).questions.size(), name);
    out.insert(out.end(), {{59, "VisionReward_image_qa.txt --masks visionreward-full"},
                           {30, "VisionReward_image_qa_select.txt --masks visionreward-select"},
                           {64, "VisionReward_video_qa.txt"},
                           {29, "VisionReward_video_qa_select.txt"}});
    return out;
  }();
  std::string out;
  for (const auto& [count, name] : kCounted)
    if (count == questions) out += format("; --questions {} has {}", name, count);
  return out;
}

std::vector<std::string> read_question_lines(const std::string& path) {
  std::string text = read_file(path, std::uint64_t{1} << 24);
  if (text.find('\0') != text.npos)
    throw Error(Code::kCorrupt, path, "is no text", "--questions is a .toml checklist or a text file with one question a line");
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    lines.push_back(first == line.npos ? "" : line.substr(first, last - first + 1));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty()) throw Error(Code::kCorrupt, path, "has no question", "write one question a line");
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].empty())
      throw Error(Code::kCorrupt, format("{}:{}", path, i + 1), "is empty", "remove the line: answers and weights go by line");
  return lines;
}

Checklist load_checklist(const std::string& questions, const std::string& layout, bool alignment) {
  const std::string_view* shipped = shipped_checklist(questions);
  if (shipped || is_toml(questions)) {
    if (!layout.empty())
      throw Error(Code::kUsage, "--masks", "goes with a plain question file",
                  format("leave it out: {} says what its questions are", questions));
    return shipped ? parse_checklist(*shipped, questions) : parse_checklist(read_file(questions), questions);
  }
  const std::vector<std::string> lines = read_question_lines(questions);
  if (layout.empty()) return side_by_side(lines, alignment);
  if (const std::string_view* text = shipped_layout(layout)) return parse_checklist(*text, layout, &lines);
  if (!is_toml(layout))
    throw Error(Code::kUsage, "--masks", format("\"{}\" is no layout", layout),
                "give visionreward-full, visionreward-select, visionreward-video or a .toml file");
  return parse_checklist(read_file(layout), layout, &lines);
}

std::string ask_about(std::string_view question, std::string_view prompt) {
  constexpr std::string_view kPlace = "[[prompt]]";
  std::string out;
  for (std::size_t at = question.find(kPlace); at != question.npos; at = question.find(kPlace)) {
    out.append(question.substr(0, at)).append(prompt);
    question.remove_prefix(at + kPlace.size());
  }
  return out.append(question);
}

}  // namespace beholder::checklist
