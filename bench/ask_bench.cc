// A checklist's questions as branches of one prefix against one call per question, alternating:
//   build/beholder_ask_bench MODEL_DIR [SIDE_PX [QUESTIONS [ROUNDS]]]
// Prints the median time of both, the median of the rounds' ratios, and the largest difference between the answers. The two answers
// that are weighed are the index tokens, which every judge's tokenizer has: what they are does not change the time.
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "checklist/checklist.h"
#include "core/error.h"
#include "core/format.h"
#include "core/heap.h"
#include "core/rng.h"
#include "judge/ask.h"
#include "judge/prompt.h"

namespace beholder {
namespace {

struct Timed {
  double seconds = 0;
  std::vector<double> p;
};

vlm::Media noise(const judge::JudgeSpec& spec, int side) {
  media::Image image{side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side) * 3)};
  Rng rng(1);
  for (auto& value : image.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return judge::prepare_image(image, spec.patches);
}

Timed ask(const judge::JudgeModel& model, const std::vector<std::vector<vlm::Segment>>& calls) {
  const at::NoGradGuard no_grad;
  const judge::YesNoTokens tokens{{model.spec.index_ids[0]}, {model.spec.index_ids[1]}};
  Timed out;
  const auto start = std::chrono::steady_clock::now();
  for (const std::vector<vlm::Segment>& call : calls) {
    judge::AskForest forest;
    forest.add(call);
    const vlm::Packed packed = vlm::pack(model.spec.config, forest.segments);
    const std::vector<std::int64_t> rows = call.size() > 1 ? forest.rows(packed) : std::vector<std::int64_t>{packed.ids_T.size(0) - 1};
    const at::Tensor p =
        judge::yes_probabilities(model.model, tokens, vlm::forward(model.model, packed), rows).to(at::kDouble).contiguous();
    out.p.insert(out.p.end(), p.data_ptr<double>(), p.data_ptr<double>() + p.numel());
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const std::string& dir, int side, std::size_t count, int rounds) {
  const judge::JudgeModel model = judge::load_judge_model(dir);
  vlm::set_process_for(model.model);
  judge::AskItem item{noise(model.spec, side), {}};
  const checklist::Checklist list = checklist::load_checklist("image", "");
  for (std::size_t q = 0; q < count; ++q) item.questions.push_back(list.questions[q % list.questions.size()].text);
  const std::vector<vlm::Segment> branched = judge::ask_segments(model.spec, item);
  std::vector<std::vector<vlm::Segment>> single;
  std::size_t questions = 0;
  for (std::size_t s = 1; s < branched.size(); ++s) {
    vlm::Segment whole = branched[0];
    whole.ids.insert(whole.ids.end(), branched[s].ids.begin(), branched[s].ids.end());
    single.push_back({std::move(whole)});
    questions += branched[s].ids.size();
  }
  std::vector<double> one, many, ratio;
  double difference = 0;
  for (int r = 0; r <= rounds; ++r) {
    const Timed b = ask(model, {branched}), s = ask(model, single);
    for (std::size_t i = 0; i < b.p.size(); ++i) difference = std::max(difference, std::abs(b.p[i] - s.p[i]));
    if (r == 0) continue;  // warming up
    one.push_back(b.seconds);
    many.push_back(s.seconds);
    ratio.push_back(s.seconds / b.seconds);
  }
  fmt::print(
      "{} questions, {} px: prefix {} tokens, {:.1f} tokens a question; branched {:.4f} s, one by one {:.4f} s, ratio {:.2f} "
      "(median of {}; {:.2f} to {:.2f}); answers differ by at most {:.1e}\n",
      count, side, branched[0].ids.size(), static_cast<double>(questions) / static_cast<double>(count), median(one), median(many),
      median(ratio), rounds, *std::min_element(ratio.begin(), ratio.end()), *std::max_element(ratio.begin(), ratio.end()), difference);
}

}  // namespace
}  // namespace beholder

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: beholder_ask_bench MODEL_DIR [SIDE_PX [QUESTIONS [ROUNDS]]]\n");
    return 2;
  }
  const auto number = [&](int i, int otherwise) { return argc > i ? std::max(1, std::atoi(argv[i])) : otherwise; };
  beholder::keep_freed_memory();
  try {
    beholder::measure(argv[1], number(2, 448), static_cast<std::size_t>(number(3, 30)), number(4, 5));
  } catch (const beholder::Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return e.exit_status();
  }
  return 0;
}
