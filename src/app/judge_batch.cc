#include "app/judge_batch.h"

#include <ATen/Context.h>

#include <algorithm>

#include "app/command.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "judge/prompt.h"

namespace beholder::app {
namespace {

std::string media_name(const data::MediaRef& ref) {
  return ref.is_frame_list() ? ref.frames[0] : ref.path;
}

// The largest question of an item must fit the model; the others do then, too.
void check_questions(const judge::Judge& judge, const std::vector<judge::Question>& questions, const judge::JudgeOptions& options) {
  const auto size = [](const judge::Question& q) {
    std::int64_t patches = 0;
    for (const judge::Medium& m : q.media) patches += m.media.t * m.media.h * m.media.w;
    return patches;
  };
  const auto largest =
      std::max_element(questions.begin(), questions.end(), [&](const auto& a, const auto& b) { return size(a) < size(b); });
  if (largest != questions.end()) judge.check_question(*largest, options);
}

Json with_id(const std::string& id, const Json& result) {
  Json out{{"id", id}};
  out.update(result);
  return out;
}

}  // namespace

judge::JudgeModel load_model(const JudgeRunFlags& flags, const char* shipped) {
  vlm::LoadOptions options;
  options.device = vlm::parse_device(flags.device != "auto" ? flags.device : at::hasCUDA() ? "cuda" : "cpu");
  if (flags.dtype != "auto") options.dtype = vlm::parse_dtype(flags.dtype);
  options.quantise_bits = vlm::parse_quantisation(flags.quantize);
  judge::JudgeModel model = judge::load_judge_model(flags.model.empty() ? embedded_model_dir(shipped) : flags.model, options);
  vlm::set_process_for(model.model);
  return model;
}

media::PatchConfig patch_config(const JudgeRunFlags& flags, const judge::JudgeModel& model) {
  media::PatchConfig config = model.spec.patches;
  if (flags.max_pixels > 0) config.max_pixels = std::max(flags.max_pixels, config.min_pixels);
  return config;
}

void JudgeRunFlags::fields(FieldList& f) {
  f.group("What is judged");
  f.add("prompt", prompt, "what the media were generated for");
  f.add("in", in, "records, one JSON object a line ({\"id\",\"prompt\",\"media\"}), instead of files; - reads standard input");
  f.add("out", out, "write results here as JSON lines");
  f.add("report", report, "write a page with the media, the results and the thoughts (one HTML file)");
  f.add("resume", resume, "continue the run whose results stand in --out");
  judge_fields(f);
}

void JudgeRunFlags::judge_fields(FieldList& f) {
  f.group("What is judged");
  f.add_range("fps", fps, 0.01, 120, "frames looked at per second of video");
  f.add_range("max_frames", max_frames, 1, 1024, "frames looked at per video");
  f.add_range("max_pixels", max_pixels, 0, 1e9, "larger images are scaled down to this many pixels; 0: the checkpoint's limit");
  f.group("The judge");
  f.add("model", model, "checkpoint folder, or org/name in the Hub cache; empty: the embedded judge");
  f.add("device", device, "cpu, cuda, cuda:1; auto: cuda where there is one");
  f.add("dtype", dtype, "fp32, bf16, fp16; auto: as stored");
  f.add("quantize", quantize, "int8 or int4: the decoder's weights in so many bits, for speed and memory on the CPU");
}

JudgeSession::JudgeSession(const JudgeRunFlags& flags)
    : model_(load_model(flags, "embedded")),
      sampler_(model_.model),
      judge_(model_.spec, sampler_),
      store_(patch_config(flags, model_), {flags.fps, flags.max_frames}) {}

JudgeItem load_item(judge::MediumStore& store, const data::Record& record) {
  JudgeItem item{record.id, record.prompt, {}, Json::array()};
  judge::check_prompt(item.prompt);
  for (const data::MediaRef& ref : record.media) {
    try {
      item.media.push_back(store.load(ref));
    } catch (const Error& e) {
      // kResource is a picture over the decoder's limits here; a machine out of memory throws std::bad_alloc.
      if (e.code() == Code::kInternal || e.code() == Code::kInterrupted) throw;
      log_warning(format("skipped {}", e.what()));
      item.skipped.push_back({{"media", media_name(ref)}, {"error", e.what()}});
    }
  }
  return item;
}

void JudgeBatch::add(JudgeItem item) {
  job_.refuse(item);
  std::vector<judge::Question> questions = job_.questions(item);
  check_questions(judge_, questions, options_);
  counts_.push_back(questions.size());
  for (judge::Question& q : questions) questions_.push_back(std::move(q));
  results_.emplace_back(std::nullopt);
  items_.push_back(std::move(item));
}

std::vector<Json> JudgeBatch::answer(const judge::JudgeProgress& progress) {
  const std::vector<judge::Answered> answers = judge_.ask(questions_, options_, progress);
  std::vector<Json> out;
  std::size_t item = 0, begin = 0;
  for (std::optional<Json>& result : results_) {
    if (!result) {
      result = job_.result(items_[item], std::span(answers).subspan(begin, counts_[item]));
      (*result)["skipped"] = items_[item].skipped;
      if (!items_[item].id.empty()) *result = with_id(items_[item].id, *result);
      begin += counts_[item++];
    }
    out.push_back(std::move(*result));
  }
  items_.clear();
  questions_.clear();
  counts_.clear();
  results_.clear();
  return out;
}

}  // namespace beholder::app
