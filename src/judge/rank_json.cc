#include "judge/rank.h"

namespace beholder::judge {
namespace {

Json to_json(const RankedMedium& medium) {
  Json out{{"rank", medium.rank},
           {"media", medium.name},
           {"strength", medium.strength},
           {"interval", {medium.low, medium.high}},
           {"reason", nullptr}};
  if (medium.reason) out["reason"] = {{"shown", medium.reason->shown}, {"thought", medium.reason->thought}};
  return out;
}

// "312": medium 3 was shown first.
std::string order_text(const std::vector<int>& order) {
  std::string text;
  for (const int i : order) text += std::to_string(i + 1);
  return text;
}

Json to_json(const ListVote& vote) {
  Json out{{"order", order_text(vote.order)},
           {"choice", nullptr},
           {"probabilities", nullptr},
           {"thought", vote.thought},
           {"parsed", vote.parsed}};
  if (vote.parsed) {
    if (vote.choice != 0) out["choice"] = vote.choice;
    out["probabilities"] = vote.p;
  } else {
    out["problem"] = vote.problem;
    out["completion"] = vote.text;
  }
  return out;
}

// All contexts of a listwise ranking are one verdict over its media.
Json list_verdict(const Ranking& ranking) {
  Json votes = Json::array();
  for (const ListVote& vote : ranking.list_votes) votes.push_back(to_json(vote));
  return {{"prompt", ranking.prompt}, {"media", ranking.list_names}, {"unparsed", ranking.unparsed}, {"votes", std::move(votes)}};
}

}  // namespace

Json to_json(const Ranking& ranking) {
  Json order = Json::array(), verdicts = Json::array();
  for (const RankedMedium& medium : ranking.order) order.push_back(to_json(medium));
  for (const Comparison& comparison : ranking.verdicts) verdicts.push_back(to_json(comparison));
  if (!ranking.list_votes.empty()) verdicts.push_back(list_verdict(ranking));
  Json out{{"prompt", ranking.prompt},
           {"ranking", std::move(order)},
           {"comparisons", ranking.comparisons},
           {"strategy", ranking.strategy},
           {"votes", ranking.votes},
           {"both_orders", ranking.both_orders},
           {"verdicts", std::move(verdicts)},
           {"unparsed", ranking.unparsed},
           {"skipped", Json::array()},
           {"tokens", usage_json(ranking.usage)},
           {"seconds", ranking.usage.seconds}};
  if (ranking.expected_tau) out["expected_tau"] = *ranking.expected_tau;
  return out;
}

}  // namespace beholder::judge
