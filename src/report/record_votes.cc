#include "report/record_votes.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/format.h"

namespace beholder::report {
namespace {

PairVote pair_vote(const Json& vote, const std::vector<int>& media, bool turned, std::string_view where) {
  PairVote out;
  const bool swapped = json_need<std::string>(vote, "order", where) == "21";
  out.left_first = swapped == turned;
  out.reason = {json_get<std::string>(vote, "thought", "", where), media};
  if (swapped) std::swap(out.reason.shown[0], out.reason.shown[1]);
  out.parsed = json_need<bool>(vote, "parsed", where);
  out.problem = json_get<std::string>(vote, "problem", "", where);
  out.completion = json_get<std::string>(vote, "completion", "", where);
  if (!out.parsed) return out;
  const int choice = json_get<int>(vote, "choice", 0, where);
  if (choice < 0 || choice > 2) bad_record(where, format("'choice' is {}", choice));
  out.choice = choice == 0 ? 0 : (choice == 1) != turned ? -1 : 1;
  const double p = probability(vote, "probability", where);
  out.p = turned ? 1 - p : p;
  out.scores = json_get<std::vector<double>>(vote, "scores", {}, where);
  if (out.scores.size() != 2) out.scores.clear();
  if (turned) std::reverse(out.scores.begin(), out.scores.end());
  return out;
}

// The judge's own rule: several score votes count as choices, everything else by its probability.
std::optional<double> order_probability(const std::vector<PairVote>& votes, bool left_first) {
  const auto asked = std::count_if(votes.begin(), votes.end(), [&](const PairVote& v) { return v.left_first == left_first; });
  double sum = 0;
  int n = 0;
  for (const PairVote& vote : votes) {
    if (!vote.parsed || vote.left_first != left_first) continue;
    const bool by_choice = !vote.scores.empty() && asked > 1;
    sum += by_choice ? (1 - vote.choice) / 2.0 : vote.p;
    ++n;
  }
  return n == 0 ? std::nullopt : std::optional(sum / n);
}

}  // namespace

void bad_record(std::string_view where, std::string_view what) {
  throw Error(Code::kCorrupt, where, what, "give the records as rank, compare or score wrote them");
}

const Json& array_of(const Json& value, const char* key, std::string_view where) {
  const auto it = value.find(key);
  if (it == value.end() || !it->is_array()) bad_record(where, format("'{}' is not a list", key));
  return *it;
}

double probability(const Json& value, const char* key, std::string_view where) {
  const auto p = json_need<double>(value, key, where);
  if (!(p >= 0 && p <= 1)) bad_record(where, format("'{}' is {}, not a probability", key, p));
  return p;
}

PairVerdict read_pair(const Json& verdict, const std::vector<int>& media, std::string_view where) {
  PairVerdict out;
  if (media.size() != 2) bad_record(where, "a comparison is between two media");
  const bool turned = media[0] > media[1];  // media stand best first
  out.left = std::min(media[0], media[1]);
  out.right = std::max(media[0], media[1]);
  const double p = probability(verdict, "probability", where);
  out.p = turned ? 1 - p : p;
  if (const Json c = json_get<Json>(verdict, "consistent", Json(), where); c.is_boolean()) out.consistent = c.get<bool>();
  for (const Json& vote : array_of(verdict, "votes", where)) out.votes.push_back(pair_vote(vote, media, turned, where));
  out.p_left_first = order_probability(out.votes, true);
  out.p_right_first = order_probability(out.votes, false);
  return out;
}

ListVote read_list_vote(const Json& vote, const std::vector<int>& media, std::size_t all, std::string_view where) {
  ListVote out;
  out.reason.thought = json_get<std::string>(vote, "thought", "", where);
  for (const char digit : json_need<std::string>(vote, "order", where)) {
    const int place = digit - '1';
    if (place < 0 || place >= static_cast<int>(media.size())) bad_record(where, "'order' names a medium that is not there");
    out.reason.shown.push_back(media[static_cast<std::size_t>(place)]);
  }
  out.parsed = json_need<bool>(vote, "parsed", where);
  out.problem = json_get<std::string>(vote, "problem", "", where);
  out.completion = json_get<std::string>(vote, "completion", "", where);
  out.p.assign(all, std::numeric_limits<double>::quiet_NaN());
  if (!out.parsed) return out;
  const auto p = json_need<std::vector<double>>(vote, "probabilities", where);
  if (p.size() != media.size()) bad_record(where, "one probability per medium is expected");
  for (std::size_t i = 0; i < p.size(); ++i) out.p[static_cast<std::size_t>(media[i])] = p[i];
  const int choice = json_get<int>(vote, "choice", 0, where);
  if (choice < 0 || choice > static_cast<int>(media.size())) bad_record(where, format("'choice' is {}", choice));
  if (choice > 0) out.choice = media[static_cast<std::size_t>(choice - 1)];
  return out;
}

}  // namespace beholder::report
