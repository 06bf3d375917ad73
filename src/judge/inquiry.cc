#include "judge/inquiry.h"

#include <iterator>
#include <utility>

namespace beholder::judge {

std::vector<std::vector<Answered>> ask_all(Judge& judge, std::span<Inquiry> inquiries, const JudgeOptions& options,
                                           const JudgeProgress& progress) {
  std::vector<std::vector<Answered>> answers(inquiries.size());
  std::int64_t asked = 0, tokens = 0;
  while (true) {
    std::vector<Question> round;
    std::vector<std::size_t> counts;
    for (Inquiry& inquiry : inquiries) {
      counts.push_back(inquiry.questions.size());
      std::move(inquiry.questions.begin(), inquiry.questions.end(), std::back_inserter(round));
      inquiry.questions.clear();
    }
    if (round.empty()) return answers;
    std::int64_t new_tokens = 0;
    std::vector<Answered> given = judge.ask(round, options, [&](std::int64_t done, std::int64_t sampled) {
      new_tokens = sampled;
      if (progress) progress(asked + done, tokens + sampled);
    });
    asked += std::ssize(round);
    tokens += new_tokens;
    auto next = std::make_move_iterator(given.begin());
    for (std::size_t i = 0; i < inquiries.size(); ++i) {
      if (counts[i] == 0) continue;
      const auto end = next + static_cast<std::ptrdiff_t>(counts[i]);
      answers[i].insert(answers[i].end(), next, end);
      next = end;
      if (inquiries[i].more) inquiries[i].questions = inquiries[i].more(answers[i]);
    }
  }
}

}  // namespace beholder::judge
