#include "report/record.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/format.h"
#include "report/record_votes.h"

namespace beholder::report {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

class Reader {
 public:
  Reader(const Json& record, std::string_view where) : record_(record), where_(where) {}

  Judged read() {
    if (!record_.is_object()) bad_record(where_, "not an object");
    common();
    if (record_.contains("error")) {
      failed();
    } else if (record_.contains("ranking")) {
      ranking();
    } else if (record_.contains("scores")) {
      scores();
    } else if (record_.contains("votes")) {
      comparison();
    } else {
      bad_record(where_, "neither a ranking, a comparison nor scores");
    }
    label_media();
    return std::move(out_);
  }

 private:
  void common() {
    out_.id = json_get<std::string>(record_, "id", "", where_);
    out_.prompt = json_get<std::string>(record_, "prompt", "", where_);
    out_.strategy = json_get<std::string>(record_, "strategy", "", where_);
    out_.comparisons = json_get<std::int64_t>(record_, "comparisons", 0, where_);
    if (record_.contains("expected_tau")) out_.expected_tau = json_need<double>(record_, "expected_tau", where_);
    out_.unparsed = json_get<std::int64_t>(record_, "unparsed", 0, where_);
    out_.seconds = json_get<double>(record_, "seconds", 0, where_);
    const Json tokens = json_get<Json>(record_, "tokens", Json::object(), where_);
    out_.prompt_tokens = json_get<std::int64_t>(tokens, "prompt", 0, where_);
    out_.completion_tokens = json_get<std::int64_t>(tokens, "completion", 0, where_);
    if (record_.contains("both_orders")) out_.both_orders = json_need<bool>(record_, "both_orders", where_);
    if (!record_.contains("skipped")) return;
    for (const Json& item : array_of(record_, "skipped", where_))
      out_.skipped.emplace_back(json_get<std::string>(item, "media", "?", where_), json_get<std::string>(item, "error", "", where_));
  }

  void failed() {
    const Json error = json_need<Json>(record_, "error", where_);
    out_.kind = Judged::Kind::kFailed;
    out_.error_code = json_get<std::string>(error, "code", "", where_);
    out_.error = json_get<std::string>(error, "message", "no reason was recorded", where_);
  }

  int add_medium(JudgedMedium medium) {
    const int index = static_cast<int>(out_.media.size());
    index_.emplace(medium.path, index);  // of equal paths the first counts: they are the same file
    out_.media.push_back(std::move(medium));
    return index;
  }

  int medium_of(const std::string& path) const {
    const auto it = index_.find(path);
    if (it == index_.end()) bad_record(where_, format("'{}' is not among the record's media", path));
    return it->second;
  }

  std::vector<int> media_of(const Json& value, const char* key) const {
    std::vector<int> out;
    for (const auto& path : json_need<std::vector<std::string>>(value, key, where_)) out.push_back(medium_of(path));
    return out;
  }

  void ranking() {
    out_.kind = Judged::Kind::kRanking;
    out_.votes = json_get<int>(record_, "votes", 0, where_);
    const Json& order = array_of(record_, "ranking", where_);
    for (const Json& item : order) add_medium(ranked(item));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Json reason = json_get<Json>(order[i], "reason", Json(), where_);
      if (reason.is_object()) out_.media[i].reason = Reason{json_need<std::string>(reason, "thought", where_), media_of(reason, "shown")};
    }
    for (const Json& verdict : array_of(record_, "verdicts", where_)) {
      out_.strategy == "listwise" ? list_verdict(verdict) : out_.pairs.push_back(read_pair(verdict, media_of(verdict, "media"), where_));
    }
    std::stable_sort(out_.pairs.begin(), out_.pairs.end(),
                     [](const auto& a, const auto& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  }

  JudgedMedium ranked(const Json& item) const {
    JudgedMedium medium;
    medium.path = json_need<std::string>(item, "media", where_);
    medium.rank = json_need<int>(item, "rank", where_);
    medium.value = json_need<double>(item, "strength", where_);
    const auto interval = json_need<std::vector<double>>(item, "interval", where_);
    if (interval.size() != 2) bad_record(where_, "'interval' is not two numbers");
    medium.low = interval[0];
    medium.high = interval[1];
    const auto share = [&](double v) { return out_.by_odds() ? sigmoid(v) : v; };
    medium.share = {share(medium.value), share(medium.low), share(medium.high)};
    return medium;
  }

  void comparison() {
    out_.kind = Judged::Kind::kComparison;
    const auto names = json_need<std::vector<std::string>>(record_, "media", where_);
    if (names.size() != 2) bad_record(where_, "a comparison is between two media");
    for (const std::string& name : names) {
      JudgedMedium medium;
      medium.path = name;
      add_medium(std::move(medium));
    }
    out_.pairs.push_back(read_pair(record_, media_of(record_, "media"), where_));
    out_.pairs[0].left = 0;
    out_.pairs[0].right = 1;  // the same path twice is still two media
    const double p = out_.pairs[0].p;
    for (int i = 0; i < 2; ++i) {
      JudgedMedium& medium = out_.media[static_cast<std::size_t>(i)];
      medium.value = i == 0 ? p : 1 - p;
      medium.share = {medium.value};
      medium.rank = medium.value >= 0.5 ? 1 : 2;
    }
    out_.comparisons = 1;
    out_.votes = static_cast<int>(
        std::count_if(out_.pairs[0].votes.begin(), out_.pairs[0].votes.end(), [](const PairVote& v) { return v.left_first; }));
    out_.both_orders = std::any_of(out_.pairs[0].votes.begin(), out_.pairs[0].votes.end(), [](const PairVote& v) { return !v.left_first; });
  }

  void list_verdict(const Json& verdict) {
    const std::vector<int> media = media_of(verdict, "media");
    for (const Json& vote : array_of(verdict, "votes", where_))
      out_.list_votes.push_back(read_list_vote(vote, media, out_.media.size(), where_));
  }

  void scores() {
    out_.kind = Judged::Kind::kScores;
    for (const Json& item : array_of(record_, "scores", where_)) {
      const int index = add_medium(scored(item));
      out_.unparsed += json_get<int>(item, "unparsed", 0, where_);
      JudgedMedium& medium = out_.media[static_cast<std::size_t>(index)];
      const auto thought = json_get<std::string>(item, "thought", "", where_);
      if (!thought.empty()) medium.reason = Reason{thought, {index}};
      out_.votes = std::max(out_.votes, static_cast<int>(medium.votes.size()));
    }
    rank_scores();
  }

  JudgedMedium scored(const Json& item) const {
    JudgedMedium medium;
    medium.path = json_need<std::string>(item, "media", where_);
    medium.votes = json_get<std::vector<double>>(item, "votes", {}, where_);
    medium.problem = json_get<std::string>(item, "problem", "", where_);
    const auto score = json_get<Json>(item, "score", Json(), where_);
    medium.has_value = score.is_number();
    if (medium.has_value) medium.value = score.get<double>();
    medium.share = {medium.value / 10};
    return medium;
  }

  // Best first, as rankings come; a reason's medium moves with it.
  void rank_scores() {
    std::stable_sort(out_.media.begin(), out_.media.end(),
                     [](const JudgedMedium& a, const JudgedMedium& b) { return a.has_value && (!b.has_value || a.value > b.value); });
    for (std::size_t i = 0; i < out_.media.size(); ++i) {
      JudgedMedium& medium = out_.media[i];
      if (medium.reason) medium.reason->shown = {static_cast<int>(i)};
      if (!medium.has_value) continue;
      medium.rank = i > 0 && out_.media[i - 1].value == medium.value ? out_.media[i - 1].rank : static_cast<int>(i) + 1;
    }
  }

  // File names where they tell the media apart, else paths without the folders that all of them share.
  void label_media() {
    std::set<std::string> names, paths;
    for (JudgedMedium& medium : out_.media) {
      medium.label = medium.path.substr(medium.path.find_last_of('/') + 1);
      names.insert(medium.label);
      paths.insert(medium.path);
    }
    if (names.size() == paths.size()) return;
    const std::size_t common = shared_folder(*paths.begin(), *paths.rbegin());  // of sorted texts, the ends share the least
    for (JudgedMedium& medium : out_.media) medium.label = medium.path.substr(common);
  }

  static std::size_t shared_folder(const std::string& a, const std::string& b) {
    const auto differs = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
    const std::size_t slash = a.substr(0, static_cast<std::size_t>(differs - a.begin())).rfind('/');
    return slash == std::string::npos ? 0 : slash + 1;
  }

  const Json& record_;
  std::string_view where_;
  Judged out_;
  std::map<std::string, int> index_;
};

}  // namespace

Judged read_judged(const Json& record, std::string_view where) {
  return Reader(record, where).read();
}

std::pair<int, int> first_shown_preferred(const Judged& judged) {
  int first = 0, all = 0;
  for (const PairVerdict& pair : judged.pairs) {
    for (const PairVote& vote : pair.votes) {
      if (!vote.parsed || vote.choice == 0) continue;
      ++all;
      first += (vote.choice == -1) == vote.left_first ? 1 : 0;
    }
  }
  return {first, all};
}

}  // namespace beholder::report
