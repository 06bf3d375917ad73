#include "judge/best_of.h"

#include <algorithm>
#include <tuple>

namespace beholder::judge {

void BestOf::add(const Json& result) {
  if (result.contains("skipped")) unread_ += std::ssize(result["skipped"]);
  if (result.contains("error") || !result.contains("scores")) {
    ++failed_;
    return;
  }
  const std::string id = json_get<std::string>(result, "id", "", "score");
  for (const Json& medium : result["scores"]) {
    const Json& score = medium.at("score");
    if (!score.is_number()) {
      ++unscored_;
      continue;
    }
    Kept kept{score.get<double>(), json_get<std::string>(medium, "media", "", "score"), id,
              json_get<std::string>(medium, "thought", "", "score")};
    ++scored_;
    sum_ += kept.score;
    if (top_ > 0) keep(groups_[json_get<std::string>(result, "prompt", "", "score")], std::move(kept));
  }
}

void BestOf::keep(Group& group, Kept kept) {
  ++group.of;
  const auto same = std::find_if(group.best.begin(), group.best.end(), [&](const Kept& k) { return k.media == kept.media; });
  if (same != group.best.end()) {
    same->id = std::min(same->id, kept.id);
    return;
  }
  const auto better = [](const Kept& a, const Kept& b) { return std::tie(b.score, a.media) < std::tie(a.score, b.media); };
  group.best.insert(std::upper_bound(group.best.begin(), group.best.end(), kept, better), std::move(kept));
  if (std::ssize(group.best) > top_) group.best.pop_back();
}

std::vector<Json> BestOf::lines() const {
  std::vector<Json> out;
  for (const auto& [prompt, group] : groups_) {
    int rank = 0;
    for (const Kept& kept : group.best) {
      Json line{{"prompt", prompt}, {"rank", ++rank}, {"of", group.of}, {"score", kept.score}, {"media", kept.media}};
      if (!kept.id.empty()) line["id"] = kept.id;
      line["thought"] = kept.thought;
      out.push_back(std::move(line));
    }
  }
  return out;
}

}  // namespace beholder::judge
