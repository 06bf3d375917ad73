#include "checklist/answers.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iostream>

#include "checklist/number_words.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/dataset.h"

namespace beholder::checklist {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Ids may be numbers.
std::string text_of(const Json& value, const char* key, const std::string& where) {
  if (value.contains(key) && value[key].is_number_integer()) return value[key].dump();
  return json_get<std::string>(value, key, "", where);
}

double share(const Json& value, const std::string& where) {
  const double p = value.is_boolean() ? (value.get<bool>() ? 1 : 0) : value.get<double>();
  if (!(p >= 0 && p <= 1))
    throw Error(Code::kInvalidInput, where, format("is {}, not a probability", p), "a number is P(yes), from 0 to 1");
  return p;
}

// What a model wrote without the blanks around it and the control tokens ("<|end_of_text|>") behind it.
std::string bare_word(std::string text) {
  while (true) {
    const std::size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
    text = first == text.npos ? "" : text.substr(first, last - first + 1);
    const std::size_t open = text.ends_with("|>") ? text.rfind("<|") : text.npos;
    if (open == text.npos) return text;
    text.resize(open);
  }
}

double read_answer(const Json& value, AnswerSheet& sheet, const std::string& where) {
  if (value.is_number() || value.is_boolean()) return share(value, where);
  const std::string word = value.is_string() ? lower(bare_word(value.get<std::string>())) : "";
  if (is_number_word(value))
    throw Error(Code::kInvalidInput, where, format("is {}, not a probability", value.get<std::string>()),
                "a number is P(yes), from 0 to 1");
  if (word == "yes") return 1;
  if (word != "no") ++sheet.unanswered;
  return 0;
}

void read_mask(const Json& value, AnswerSheet& sheet, const std::string& where) {
  const char* key = value.contains("mask") ? "mask" : "meta_mask";
  if (!value.contains(key) || value[key].is_null()) return;
  const auto mask = json_need<std::vector<int>>(value, key, where);
  if (mask.size() != sheet.counts.size())
    throw Error(Code::kInvalidInput, where, format("{} {} for {} questions", mask.size(), key, sheet.counts.size()),
                "give one per question");
  for (std::size_t i = 0; i < mask.size(); ++i) sheet.counts[i] = mask[i] != 0;
}

double read_alignment(const Json& line, const std::string& where) {
  const Json* value = line.contains("alignment") ? &line["alignment"] : nullptr;
  if (!value || value->is_null())
    throw Error(Code::kInvalidInput, where, "has no alignment score, and the checklist has a weight for one",
                "add \"alignment\", from 0 to 1, or take a checklist without an alignment score");
  const double score = value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(score >= 0 && score <= 1))
    throw Error(Code::kInvalidInput, where,
                format("alignment is {}, not a number from 0 to 1", is_number_word(*value) ? value->get<std::string>() : json_line(*value)),
                "give P(yes) or VQAScore; scale other scores (CLIP's, say) to [0, 1] first");
  return score;
}

data::MediaRef read_medium(const Json& line, const std::string& where) {
  const Json* value = line.contains("media") ? &line["media"] : nullptr;
  if (!value || value->is_null() || *value == "") return {};
  const Json list = value->is_array() ? *value : Json::array({*value});
  const data::Record record = data::parse_record({{"id", "x"}, {"prompt", "x"}, {"media", list}}, where);
  if (record.media.size() != 1)
    throw Error(Code::kInvalidInput, where, format("has {} media", record.media.size()), "answers are about one medium a line");
  return record.media[0];
}

}  // namespace

Json media_json(const data::MediaRef& ref) {
  return ref.is_frame_list() ? Json{{"frames", ref.frames}, {"fps", ref.fps}} : Json(ref.path);
}

std::string media_key(const data::MediaRef& ref) {
  return ref.is_frame_list() ? json_line(media_json(ref)) : ref.path;
}

AnswerSheet parse_answers(const Json& line, const Checklist& list, const std::string& where) {
  if (!line.is_object()) throw Error(Code::kCorrupt, where, "is not a JSON object", "write {\"id\": …, \"answers\": […]}");
  AnswerSheet sheet;
  sheet.id = text_of(line, line.contains("id") ? "id" : "internal_id", where);
  if (sheet.id.empty()) throw Error(Code::kInvalidInput, where, "has no id", "give every line an \"id\" of its own");
  sheet.prompt = json_get<std::string>(line, "prompt", "", where);
  sheet.ref = read_medium(line, where);
  sheet.media = sheet.ref.name();
  const bool inside = !line.contains("answers") && !line.contains("meta_result") && line.contains("meta") && line["meta"].is_object() &&
                      line["meta"].contains("meta_result");
  const Json& value = inside ? line["meta"] : line;
  const char* key = value.contains("answers") ? "answers" : "meta_result";
  const auto answers = json_need<std::vector<Json>>(value, key, where);
  if (answers.size() != list.questions.size())
    throw Error(Code::kInvalidInput, where, format("{} answers to {} questions", answers.size(), list.questions.size()),
                format("one answer per question, in their order{}", lists_with(answers.size())));
  for (const Json& answer : answers) sheet.p_yes.push_back(read_answer(answer, sheet, format("{}: answer {}", where, sheet.p_yes.size())));
  sheet.counts.assign(answers.size(), true);
  read_mask(value, sheet, where);
  if (list.has_alignment()) sheet.alignment = read_alignment(line, where);
  return sheet;
}

AnswerReader::AnswerReader(const std::string& path, const Checklist& list) : path_(path), list_(list) {
  if (path == "-")
    lines_.emplace(std::cin, "standard input");
  else if (data::is_json_lines(path))
    lines_.emplace(path);
  else
    records_ = data::open_records(path);
}

std::optional<AnswerReader::Line> AnswerReader::next() {
  std::optional<Line> line = records_ ? next_record() : next_line();
  if (line && line->sheet && !line->sheet->p_yes.empty() && line->sheet->unanswered == std::ssize(line->sheet->p_yes))
    silent_.add(format("{}:{}: {}: not one of its {} answers is yes or no, and all count as no (answers are \"yes\", \"no\" or P(yes))",
                       path_, line->number, line->sheet->id, line->sheet->unanswered));
  return line;
}

std::optional<AnswerReader::Line> AnswerReader::next_line() {
  const std::optional<TextLine> text = lines_->next();
  if (!text) return std::nullopt;
  Line line{.number = text->number, .sheet = {}, .error = {}};
  try {
    if (text->too_long)
      throw Error(Code::kCorrupt, lines_->where(), "is too long", format("a line holds at most {} bytes", LineReader::kMaxBytes));
    line.sheet = parse_answers(parse_json(quoted_number_words(text->text), lines_->where(), true), list_, lines_->where());
  } catch (const Error& e) {
    line.error = e.what();
  }
  return line;
}

// Records without answers (a data set may hold pairs, too) are passed over.
std::optional<AnswerReader::Line> AnswerReader::next_record() {
  while (const std::optional<data::Line> record = records_->next()) {
    Line line{.number = record->number, .sheet = {}, .error = record->error};
    if (!record->record) return line;
    const data::Record& r = *record->record;
    if (!r.meta.is_object() || !r.meta.contains("meta_result")) continue;
    if (list_.has_alignment())
      throw Error(Code::kInvalidInput, path_, "this data set has no alignment scores, and the checklist has a weight for one",
                  "give its question file without --masks, or a .toml layout without an alignment score; or write answer lines with "
                  "\"alignment\" (docs/FORMATS.md)");
    try {
      line.sheet = parse_answers({{"id", r.id}, {"prompt", r.prompt}, {"media", media_json(r.media[0])}, {"meta", r.meta}}, list_,
                                 format("record {}", r.id));
    } catch (const Error& e) {
      line.error = e.what();
    }
    return line;
  }
  return std::nullopt;
}

const AnswerSheet* AnswerTable::find(const std::string& name, const std::string& prompt) const {
  if (const auto it = by_id.find(name); it != by_id.end()) return &sheets[it->second];
  for (const std::string& p : {prompt, std::string()})
    if (const auto it = by_media.find({name, p}); it != by_media.end()) return &sheets[it->second];
  return nullptr;
}

AnswerTable read_answer_table(const std::string& path, const Checklist& list) {
  AnswerTable table;
  AnswerReader reader(path, list);
  Warnings bad;
  while (auto line = reader.next()) {
    if (!line->sheet) {
      ++table.bad;
      bad.add(format("left out {}", line->error));
      continue;
    }
    AnswerSheet& sheet = *line->sheet;
    const bool twice =
        !table.by_id.emplace(sheet.id, table.sheets.size()).second ||
        (!sheet.media.empty() && !table.by_media.emplace(std::pair(media_key(sheet.ref), sheet.prompt), table.sheets.size()).second);
    if (twice)
      throw Error(Code::kInvalidInput, format("{}:{}", path, line->number), format("{} stands twice", sheet.id),
                  "keep one line per medium and prompt");
    table.unanswered += sheet.unanswered;
    table.sheets.push_back(std::move(sheet));
  }
  if (table.sheets.empty())
    throw Error(Code::kInvalidInput, path, table.bad == 0 ? "holds no answers" : format("none of its {} lines can be used", table.bad),
                "one JSON object a line; see docs/FORMATS.md");
  return table;
}

}  // namespace beholder::checklist
