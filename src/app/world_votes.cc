#include "app/world_votes.h"

#include <algorithm>

namespace beholder::app {

WorldVotes::WorldVotes(const judge::JudgeOptions& options, std::int64_t votes) : options_(options) {
  options_.votes = votes;
  options_.temperature = 1;
}

void WorldVotes::ask(judge::Judge& judge, std::span<const world::Item> items, std::span<const judge::Question> questions) {
  std::vector<judge::Question> both;
  for (judge::Question question : questions) {
    question.votes = static_cast<int>(options_.votes);
    both.push_back(question);
    std::swap(question.media[0], question.media[1]);
    both.push_back(std::move(question));
  }
  const std::vector<judge::Answered> answers = judge.ask(both, options_);
  for (std::size_t i = 0; i < items.size(); ++i) {
    eval::PairVotes pair{.q = items[i].share(), .prompt = pairs_.size(), .p = {}};
    for (std::size_t order = 0; order < 2; ++order) {
      const judge::Answered& answered = answers[2 * i + order];
      usage_ += answered.usage;
      for (const judge::Vote& vote : answered.votes)
        pair.p[order].push_back(vote.p.size() == 2 ? std::optional(vote.p[order]) : std::nullopt);
    }
    pairs_.push_back(std::move(pair));
  }
}

Ratio WorldVotes::consistency(const eval::PairVotes& pair) const {
  Ratio out;
  for (std::size_t v = 0; v < pair.p[0].size(); ++v) {
    if (!pair.p[0][v] || !pair.p[1][v]) continue;
    out.sum += (*pair.p[0][v] > 0.5) == (*pair.p[1][v] > 0.5);
    out.n += 1;
  }
  return out;
}

void WorldVotes::add_parts(std::size_t i, Json& row) const {
  const eval::PairVotes& pair = pairs_[i];
  const eval::VotePart one = eval::vote_part(pair, 2, 1), all = eval::vote_part(pair, 2, static_cast<std::size_t>(options_.votes));
  const auto add = [&](const char* name, const Ratio& part) {
    if (part.n > 0) row[name] = {part.sum, part.n};
  };
  add("accuracy_both_orders", one.accuracy);
  add("accuracy_all_votes", all.accuracy);
  add("brier_all_votes", all.brier);
  add("consistency", consistency(pair));
}

Json WorldVotes::report() const {
  Ratio same;
  for (const eval::PairVotes& pair : pairs_) {
    const Ratio part = consistency(pair);
    same.sum += part.sum, same.n += part.n;
  }
  const double questions = 2.0 * static_cast<double>(pairs_.size());
  const eval::AskingCost cost{
      .prompt_tokens = static_cast<double>(usage_.prompt_tokens) / questions,
      .completion_tokens = static_cast<double>(usage_.completion_tokens) / (questions * static_cast<double>(options_.votes))};
  Json out = {
      {"votes", options_.votes}, {"items", pairs_.size()}, {"consistency", nullptr}, {"cost_curve", to_json(vote_curve(pairs_, cost))}};
  if (same.n > 0) out["consistency"] = same.value();
  return out;
}

}  // namespace beholder::app
