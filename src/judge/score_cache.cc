#include "judge/score_cache.h"

#include "core/file.h"
#include "core/format.h"
#include "core/sha256.h"
#include "judge/compare.h"
#include "judge/model_identity.h"
#include "judge/prompt.h"
#include "media/image.h"

namespace beholder::judge {
namespace {

Json to_entry(const ScoredMedium& scored) {
  return {{"hash", scored.hash},
          {"score", scored.score ? Json(*scored.score) : Json()},
          {"votes", scored.votes},
          {"unparsed", scored.unparsed},
          {"thought", scored.thought},
          {"problem", scored.problem},
          {"tokens", usage_json(scored.usage)}};
}

ScoredMedium from_entry(const Json& entry, const std::string& where) {
  ScoredMedium out;
  out.hash = json_need<std::string>(entry, "hash", where);
  if (!entry.at("score").is_null()) out.score = json_need<double>(entry, "score", where);
  out.votes = json_need<std::vector<double>>(entry, "votes", where);
  out.unparsed = json_need<int>(entry, "unparsed", where);
  out.thought = json_need<std::string>(entry, "thought", where);
  out.problem = json_need<std::string>(entry, "problem", where);
  const Json tokens = json_need<Json>(entry, "tokens", where);
  out.usage = {json_need<std::int64_t>(tokens, "prompt", where), json_need<std::int64_t>(tokens, "completion", where), 0};
  return out;
}

}  // namespace

ScoreCache::ScoreCache(const std::string& folder, const std::string& model_dir, Json settings) : entries_(folder) {
  basis_ = ResultCache::key_of({{"what", "score"},
                                {"version", kScoringVersion},
                                {"question", prompt_texts()},
                                {"model", model_identity(model_dir, entries_)},
                                {"settings", std::move(settings)}});
}

std::string ScoreCache::key(const std::string& prompt, const std::string& source) const {
  return ResultCache::key_of({{"basis", basis_}, {"prompt", prompt}, {"media", source}});
}

std::optional<ScoredMedium> ScoreCache::find(const std::string& prompt, const std::string& source) {
  const std::optional<Json> entry = entries_.find(key(prompt, source));
  return entry ? std::optional(from_entry(*entry, entries_.path())) : std::nullopt;
}

void ScoreCache::keep(const std::string& prompt, const std::string& source, const ScoredMedium& scored) {
  entries_.put(key(prompt, source), to_entry(scored));
}

std::string ScoreCache::source_of(const data::MediaRef& ref) {
  std::string name = ref.is_frame_list() ? format("frames {}", ref.fps) : "file";
  for (const std::string& path : ref.is_frame_list() ? ref.frames : std::vector<std::string>{ref.path})
    name += ' ' + sha256_hex(ref.bytes ? *ref.bytes : read_file(path, static_cast<std::uint64_t>(media::DecodeLimits{}.max_file_bytes)));
  return name;
}

}  // namespace beholder::judge
