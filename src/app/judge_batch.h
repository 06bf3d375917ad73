// One batch of judging: a loaded judge, items whose media have been read, and the results that come back in input order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/json.h"
#include "data/record.h"
#include "judge/judge.h"
#include "judge/medium_store.h"

namespace beholder::app {

// Flags that rank, compare and score share.
struct JudgeRunFlags {
  std::string model, device = "auto", dtype = "auto", quantize = "none";
  std::string prompt, in, out, report;
  bool resume = false;
  double fps = 1.0;
  std::int64_t max_frames = 24, max_pixels = 0;

  void fields(FieldList& f);
  void judge_fields(FieldList& f);  // those without prompt, in, out, report and resume
};

// The checkpoint that the flags name, or the shipped one of that name ("embedded"), on their device and in their dtype.
judge::JudgeModel load_model(const JudgeRunFlags& flags, const char* shipped);
media::PatchConfig patch_config(const JudgeRunFlags& flags, const judge::JudgeModel& model);

// The loaded judge with its sampler and its media. Members refer to each other, so it stays where it is.
class JudgeSession {
 public:
  explicit JudgeSession(const JudgeRunFlags& flags);
  JudgeSession(const JudgeSession&) = delete;
  JudgeSession& operator=(const JudgeSession&) = delete;

  judge::Judge& judge() { return judge_; }
  const judge::JudgeModel& model() const { return model_; }
  judge::MediumStore& store() { return store_; }

 private:
  judge::JudgeModel model_;
  vlm::ModelSampler sampler_;
  judge::Judge judge_;
  judge::MediumStore store_;
};

// A prompt and those of its media that could be read.
struct JudgeItem {
  std::string id;  // of the record; empty for operands
  std::string prompt;
  std::vector<judge::Medium> media;
  Json skipped = Json::array();  // {"media","error"} per medium that could not be read
};

// Reads the media; one that cannot be read is skipped with a warning, and the rest goes on. kInvalidInput for the prompt.
JudgeItem load_item(judge::MediumStore& store, const data::Record& record);

// What a command makes of items. The functions may throw; `refuse` is asked first.
struct JudgeJob {
  std::string unit;  // "rankings": for counts
  std::function<void(const JudgeItem&)> refuse;
  std::function<std::vector<judge::Question>(const JudgeItem&)> questions;
  std::function<Json(const JudgeItem&, std::span<const judge::Answered>)> result;  // answers of this item's questions
  std::function<std::string(const Json&)> show;                                    // a result, for people
};

// Items waiting to be judged together. A failed one brings its result with it and keeps its place.
class JudgeBatch {
 public:
  JudgeBatch(judge::Judge& judge, const judge::JudgeOptions& options, const JudgeJob& job) : judge_(judge), options_(options), job_(job) {}

  // Throws what `refuse` throws, and kInvalidInput when a question does not fit the model; the batch is then unchanged.
  void add(JudgeItem item);
  void add_failed(Json result) { results_.emplace_back(std::move(result)); }

  std::int64_t questions() const { return std::ssize(questions_); }
  std::int64_t size() const { return std::ssize(results_); }

  // All results, in order of adding; the batch is empty afterwards.
  std::vector<Json> answer(const judge::JudgeProgress& progress);

 private:
  judge::Judge& judge_;
  const judge::JudgeOptions& options_;
  const JudgeJob& job_;
  std::vector<JudgeItem> items_;
  std::vector<judge::Question> questions_;
  std::vector<std::size_t> counts_;           // questions per item
  std::vector<std::optional<Json>> results_;  // one per added thing; empty for items
};

}  // namespace beholder::app
