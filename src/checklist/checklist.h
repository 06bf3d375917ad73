// A checklist (VisionReward, arXiv 2412.21059, sec. 2): dimension > sub-dimension > yes/no questions, each sub-dimension's from the
// best level down. Presence questions ("are there hands?") are asked like the others, have no weight, and switch off what depends on them.
// It comes from a TOML file that holds everything, or from a plain file of questions, one a line, and a layout that says what the
// lines are. Checklists and layouts that ship with the program are found by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beholder::checklist {

struct SubDimension {
  std::string name;
  int dimension = 0;       // index into Checklist::dimensions
  bool alignment = false;  // its one value is the alignment score, not an answer
};

struct Question {
  std::string text;   // as it is asked, with "[[prompt]]" where the prompt goes
  std::string level;  // "sharp"; empty: not named
  int sub = -1;       // index into Checklist::subs; -1: a presence question
};

// Where `question` is not answered with yes, the answers of `dependants` count as 0.
struct Mask {
  std::string id;
  int question = 0;
  std::vector<int> dependants;
};

struct Checklist {
  std::string title, media;  // media: "image" or "video"
  std::vector<std::string> dimensions;
  std::vector<SubDimension> subs;
  std::vector<Question> questions;  // in the order of the answers
  std::vector<Mask> masks;
  std::string alignment_question;  // for P(yes); empty where a layout says only that there is an alignment score

  bool has_alignment() const;
};

// What has a weight, in the order of the weights: first the alignment score where there is one, then the questions that are no
// presence questions.
struct Feature {
  int question = -1;  // -1: the alignment score
  int sub = 0;
};
std::vector<Feature> features_of(const Checklist& list);
std::string feature_text(const Checklist& list, const Feature& feature);

// `questions`: "image", "video", "world", "world-video", a .toml checklist, or a plain question file. `layout` is for the last:
// "visionreward-full", "visionreward-select", "visionreward-video", a .toml layout, or empty: all questions stand side by side, none of
// them a mask, and there is an alignment score where `alignment` says so. kNotFound, kCorrupt (with the place), kUsage for a layout that
// does not go with the questions, kUnsupported where their numbers differ.
Checklist load_checklist(const std::string& questions, const std::string& layout, bool alignment = false);

// A text with the prompt in its place. A prompt that says "[[prompt]]" itself is left as it is.
std::string ask_about(std::string_view question, std::string_view prompt);

// The shipped checklists and layouts by name; null for another name.
const std::string_view* shipped_checklist(std::string_view name);
const std::string_view* shipped_layout(std::string_view name);

// For a hint: "; --questions world has 12" and the like for what is known to have so many questions; empty for none.
std::string lists_with(std::size_t questions);

// A checklist or layout from the text of a TOML file; `lines` are the questions of a layout's question file (null: a checklist).
Checklist parse_checklist(std::string_view toml, const std::string& where, const std::vector<std::string>* lines = nullptr);

// The questions of a plain file, blanks around them left out. kCorrupt for an empty line between them or no line at all.
std::vector<std::string> read_question_lines(const std::string& path);

}  // namespace beholder::checklist
