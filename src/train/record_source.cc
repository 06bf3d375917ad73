#include "train/record_source.h"

#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/jsonl.h"

namespace beholder::train {

RecordSource::RecordSource(const RecordSourceOptions& options, const judge::JudgeSpec& spec)
    : options_(options), spec_(spec), order_("record order", options.seed, options.shuffle), media_(spec.patches) {
  read();
}

void RecordSource::read() {
  Warnings bad;
  std::int64_t without_format = 0;
  data::RecordReader reader(options_.path);
  while (auto line = reader.next()) {
    if (!line->record) {
      bad.add(line->error);
    } else if (line->record->completion.empty()) {
      bad.add(format("{}:{}: left out: no \"completion\"", options_.path, line->number));
    } else {
      const auto media = static_cast<int>(line->record->media.size());
      without_format += !judge::parses(line->record->completion, options_.kind, media);
      records_.push_back(std::move(*line->record));
    }
  }
  if (records_.empty())
    throw Error(Code::kInvalidInput, options_.path, format("no record can be trained on ({} lines left out)", bad.count()),
                R"(a line is {"id":…,"prompt":…,"media":["a.png","b.png"],"completion":"<think>…</think>\n<answer>1</answer>"})");
  bad.close();
  if (bad.count() > 0) log_warning(format("{}: {} lines left out, {} used", options_.path, bad.count(), records_.size()));
  if (without_format > 0)
    log_warning(
        format("{}: {} of {} completions are not <think>…</think><answer>…</answer> with an answer of kind \"{}\"; "
               "a judge trained on them will not give answers that can be read",
               options_.path, without_format, records_.size(), judge::answer_kind_name(options_.kind)));
}

const data::Record& RecordSource::record(std::int64_t step, std::int64_t index) const {
  const auto count = static_cast<std::int64_t>(records_.size());
  const std::int64_t number = options_.shuffle ? step * options_.batch_size + index : index;
  return records_[order_.place(count, number / count, number % count)];
}

SftExample RecordSource::example(std::int64_t step, std::int64_t index) const {
  const data::Record& record = this->record(step, index);
  const std::lock_guard lock(mutex_);
  try {
    std::vector<vlm::Media> media;
    for (const data::MediaRef& ref : record.media) media.push_back(media_.load(ref).media);
    return make_example(spec_, record.id, media, record.prompt, options_.kind, record.completion);
  } catch (const Error& e) {
    return {.id = record.id, .problem = e.what()};
  }
}

}  // namespace beholder::train
