#include <algorithm>
#include <filesystem>
#include <mutex>

#include "checklist/answers.h"
#include "core/error.h"
#include "core/format.h"
#include "core/lines.h"
#include "core/progress.h"
#include "data/record.h"
#include "judge/medium_store.h"
#include "judge/prompt.h"
#include "train/epoch_order.h"
#include "train/taught_source.h"

namespace beholder::train {
namespace {

struct Annotated {
  std::string id, prompt;
  data::MediaRef medium{};
  std::vector<Known> known{};
};

bool is_answer(const Json& value) {
  if (value.is_number() || value.is_boolean()) return true;
  std::string word = value.is_string() ? value.get<std::string>() : "";
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word == "yes" || word == "no";
}

// The answers of a line: its own, or those under "meta".
Json answers_of(const Json& line) {
  const bool below = !line.contains("answers") && !line.contains("meta_result") && line.contains("meta") && line["meta"].is_object();
  Json out = below ? line["meta"] : line;
  for (const char* key : {"id", "internal_id"})
    if (line.contains(key)) out[key] = line[key];
  return out;
}

class AnnotatedSource : public TaughtSource {
 public:
  AnnotatedSource(const std::string& path, const checklist::Checklist& list, const judge::JudgeSpec& spec, const TaughtOptions& options)
      : options_(options),
        list_(list),
        balance_(list.questions.size() + 1),
        order_("checklist items", options.seed, true),
        media_(spec.patches) {
    for (const checklist::Question& q : list.questions) questions_.push_back(q.text);
    questions_.push_back(checklist::feature_text(list, {}));
    for (checklist::SubDimension& sub : list_.subs) sub.alignment = false;  // it is read here, and need not be there
    read(path);
    std::string never;
    for (const std::size_t q : balance_.one_sided())
      if (q < list.questions.size()) never += format("\n  {}", questions_[q]);
    if (!never.empty()) log_warning(format("{}: these questions always have the same answer and are not taught:{}", path, never));
  }

  TaughtItem taught(std::int64_t step, std::int64_t index) const override {
    const std::int64_t number = step * options_.batch_size + index, epoch = number / items();
    const Annotated& item = all_[order_.place(items(), epoch, number % items())];
    const Rng rng(options_.seed, stable_hash("checklist answers"), static_cast<std::uint64_t>(number));
    return with_medium(item, balance_.draw(item.known, options_.most_questions, rng));
  }
  TaughtItem whole(std::int64_t number) const override {
    const Annotated& item = all_[static_cast<std::size_t>(number)];
    return with_medium(item, item.known);
  }
  std::int64_t items() const override { return std::ssize(all_); }
  const std::vector<std::string>& questions() const override { return questions_; }

 private:
  void read(const std::string& path) {
    LineReader lines(path);
    Warnings bad;
    while (const std::optional<TextLine> line = lines.next()) {
      try {
        if (line->too_long)
          throw Error(Code::kCorrupt, lines.where(), "is too long", format("a line holds at most {} bytes", LineReader::kMaxBytes));
        all_.push_back(parse(parse_json(line->text, lines.where(), true), lines.where(), std::filesystem::path(path).parent_path()));
        for (const Known& known : all_.back().known) balance_.count(known);
      } catch (const Error& e) {
        bad.add(format("left out {}", e.what()));
      }
    }
    const std::int64_t left_out = bad.count();
    bad.close();
    if (all_.empty())
      throw Error(Code::kInvalidInput, path, format("none of its {} lines can be used", left_out), "see docs/FORMATS.md, Checklists");
    log_info(format("{}: {} annotated media, {} lines left out", path, all_.size(), left_out));
  }

  Annotated parse(const Json& line, const std::string& where, const std::string& folder) const {
    if (!line.is_object()) throw Error(Code::kCorrupt, where, "is not a JSON object", "write {\"id\", \"media\", \"answers\"}");
    const Json answers = answers_of(line);
    const checklist::AnswerSheet sheet = checklist::parse_answers(answers, list_, where);
    Annotated out{.id = sheet.id, .prompt = json_get<std::string>(line, "prompt", "", where)};
    out.medium = medium(line, where, folder);
    const Json& raw = answers[answers.contains("answers") ? "answers" : "meta_result"];
    std::vector<bool> counts = sheet.counts;
    for (const checklist::Mask& mask : list_.masks)
      for (const int q : mask.dependants)
        if (!(sheet.p_yes[static_cast<std::size_t>(mask.question)] > 0.5)) counts[static_cast<std::size_t>(q)] = false;
    for (std::size_t q = 0; q < sheet.p_yes.size(); ++q)
      if (counts[q] && is_answer(raw[q])) out.known.push_back({q, sheet.p_yes[q] > 0.5});
    if (!list_.alignment_question.empty() && line.contains("alignment") && line["alignment"].is_number())
      out.known.push_back({sheet.p_yes.size(), line["alignment"].get<double>() > 0.5});
    if (out.known.empty()) throw Error(Code::kInvalidInput, where, "has no answer that counts", "mend its answers or its mask");
    check_prompt(out, where);
    return out;
  }

  // One medium: a text, {"frames", "fps"}, or a list of one, as in records.
  static data::MediaRef medium(const Json& line, const std::string& where, const std::string& folder) {
    const Json media = line.value("media", Json());
    data::Record record =
        data::parse_record({{"id", "x"}, {"prompt", "x"}, {"media", media.is_array() ? media : Json::array({media})}}, where);
    if (record.media.size() != 1)
      throw Error(Code::kInvalidInput, where, format("has {} media", record.media.size()), "answers are about one medium a line");
    data::resolve_media(record, folder);
    return record.media[0];
  }

  void check_prompt(const Annotated& item, const std::string& where) const {
    for (const Known& known : item.known)
      if (item.prompt.empty() && questions_[known.question].find("[[prompt]]") != std::string::npos)
        throw Error(Code::kInvalidInput, where, "has no prompt, which a question asks about", "add \"prompt\"");
  }

  TaughtItem with_medium(const Annotated& item, std::vector<Known> known) const {
    TaughtItem out{.id = item.id};
    if (known.empty()) {
      out.problem = "each of its questions always has the same answer";
      return out;
    }
    try {
      const std::lock_guard lock(mutex_);
      out.asked.medium = media_.load(item.medium).media;
    } catch (const Error& e) {
      if (e.code() == Code::kInternal) throw;
      out.problem = e.what();
      return out;
    }
    for (const Known& k : known) out.asked.questions.push_back(checklist::ask_about(questions_[k.question], item.prompt));
    out.known = std::move(known);
    return out;
  }

  TaughtOptions options_;
  checklist::Checklist list_;
  Balance balance_;
  EpochOrder order_;
  std::vector<std::string> questions_;  // the alignment's last
  std::vector<Annotated> all_;
  mutable std::mutex mutex_;  // guards the media
  mutable judge::MediumStore media_;
};

}  // namespace

std::unique_ptr<TaughtSource> annotated_source(const std::string& path, const checklist::Checklist& list, const judge::JudgeSpec& spec,
                                               const TaughtOptions& options) {
  return std::make_unique<AnnotatedSource>(path, list, spec, options);
}

}  // namespace beholder::train
