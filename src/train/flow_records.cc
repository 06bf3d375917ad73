// The user's own records as a generator's teacher: media with their prompts, or preferred pairs.
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/jsonl.h"
#include "gen/pixels.h"
#include "train/flow_source.h"

namespace beholder::train {
namespace {

struct Lesson {
  std::string id, prompt;
  data::MediaRef clean, rejected;
};

class RecordFlowSource : public FlowSource {
 public:
  RecordFlowSource(const RecordFlowOptions& options, const gen::GeneratorConfig& config)
      : options_(options), config_(config), order_("flow order", options.seed, options.shuffle) {
    Warnings bad;
    data::RecordReader reader(options.path);
    while (const auto line = reader.next()) {
      const std::string problem = line->record ? take(*line->record) : line->error;
      if (!problem.empty()) bad.add(line->record ? format("{}:{}: left out: {}", options.path, line->number, problem) : problem);
    }
    if (lessons_.empty())
      throw Error(Code::kInvalidInput, options.path, format("no record can be trained on ({} lines left out)", bad.count()),
                  options.pairs
                      ? R"(a line is {"prompt":…,"media":["better.png","worse.png"],"target":{"pair":1}}, as `mpo pairs --out` writes)"
                      : R"(a line is {"id":…,"prompt":…,"media":["a.png"]})");
    bad.close();
    if (bad.count() > 0)
      log_warning(format("{}: {} lines left out, {} used", options.path, bad.count(), reader.records() + reader.bad() - bad.count()));
  }

  FlowExample example(std::int64_t step, std::int64_t index) const override {
    const auto count = std::ssize(lessons_);
    const std::int64_t number = options_.shuffle ? step * options_.batch_size + index : index;
    const Lesson& lesson = lessons_[order_.place(count, number / count, number % count)];
    FlowExample out{.id = lesson.id, .prompt = lesson.prompt, .clean = {}, .rejected = {}, .problem = {}};
    try {
      out.clean = gen::load_medium(lesson.clean, config_);
      if (options_.pairs) out.rejected = gen::load_medium(lesson.rejected, config_);
    } catch (const Error& e) {
      out.problem = e.what();
    }
    return out;
  }

  std::int64_t epoch_examples() const override { return std::ssize(lessons_); }

  std::vector<std::string> prompts(std::int64_t n) const override {
    std::vector<std::string> out;
    for (const Lesson& lesson : lessons_)
      if (std::ssize(out) < n && std::find(out.begin(), out.end(), lesson.prompt) == out.end()) out.push_back(lesson.prompt);
    return out;
  }

 private:
  // What is wrong with the record; empty when it was taken.
  std::string take(const data::Record& record) {
    if (!options_.pairs) {
      for (std::size_t k = 0; k < record.media.size(); ++k)
        lessons_.push_back({record.media.size() == 1 ? record.id : format("{}#{}", record.id, k + 1), record.prompt, record.media[k], {}});
      return {};
    }
    if (record.target.kind != data::Target::Kind::kPair) return "no target {\"pair\": …}";
    if (record.target.q == 0.5) return "a tie";
    const bool first = record.target.q > 0.5;
    lessons_.push_back({record.id, record.prompt, record.media[first ? 0 : 1], record.media[first ? 1 : 0]});
    return {};
  }

  RecordFlowOptions options_;
  gen::GeneratorConfig config_;
  std::vector<Lesson> lessons_;
  EpochOrder order_;
};

}  // namespace

std::unique_ptr<FlowSource> record_flow_source(const RecordFlowOptions& options, const gen::GeneratorConfig& config) {
  return std::make_unique<RecordFlowSource>(options, config);
}

}  // namespace beholder::train
