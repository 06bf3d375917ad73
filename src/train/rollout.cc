#include "train/rollout.h"

#include <chrono>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/format.h"
#include "core/profile.h"
#include "core/rng.h"
#include "judge/prompt.h"

namespace beholder::train {
namespace {

constexpr int kRefills = 3;         // of groups whose rewards are equal
constexpr int kUnusableLimit = 64;  // items in a row

class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  ~Stopwatch() { sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& sum_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Judged judged(const Group& group, const Sample& sample) {
  Judged out{.verdict = sample.vote.verdict, .q = group.item.q, .p = {}, .listener = sample.listener, .tokens = sample.vote.tokens};
  out.verdict.choice = drawn_choice(sample.vote);
  if (sample.vote.p.size() == 2) out.p = sample.vote.p[0];
  return out;
}

Json command_line(const Group& group, const Sample& sample) {
  const judge::Vote& vote = sample.vote;
  return {{"id", group.item.id},
          {"prompt", group.item.prompt},
          {"media", {group.media[0].name, group.media[1].name}},
          {"completion", vote.text},
          {"thought", vote.verdict.thought},
          {"answer", vote.verdict.answer},
          {"choice", drawn_choice(vote)},
          {"p", vote.p.size() == 2 ? Json(vote.p[0]) : Json()},
          {"q", group.item.q},
          {"parsed", vote.verdict.parsed}};
}

}  // namespace

int drawn_choice(const judge::Vote& vote) {
  return vote.drawn > 0 ? vote.drawn : vote.verdict.choice;
}

std::string RolloutBatch::ids() const {
  std::string out;
  for (const Group& group : groups) out += (out.empty() ? "" : ", ") + group.item.id;
  return out;
}

Roller::Roller(const GrpoConfig& config, const judge::JudgeSpec& spec, const vlm::Model& model, const PreferenceSource& source,
               Listener* listener, dist::ProcessGroup& group)
    : config_(config),
      spec_(spec),
      source_(source),
      sampler_(model),
      listener_(listener),
      media_(spec.patches),
      command_(config.reward_command, config.reward_command_timeout),
      ranks_(group) {
  if (listener_ && listener_->spec().patches != spec.patches) listener_media_.emplace(listener_->spec().patches);
  for (const std::string& name : config.reward_funcs) rewards_.push_back(&reward_named(name));
}

// The items after those of a batch will be taken next. Those of the world are drawn, not read.
void Roller::expect(std::int64_t wanted, std::int64_t cursor) {
  if (source_.epoch_items() == 0) return;
  const auto [begin, end] = ranks_.part(wanted);
  for (std::int64_t number = cursor + begin; number < cursor + end; ++number) {
    const PreferenceItem item = source_.item(number);
    media_.expect(item);
    if (listener_media_) listener_media_->expect(item);
  }
}

std::optional<Group> Roller::prepare(std::int64_t number, std::string& problem) {
  Group group;
  group.item = source_.item(number);
  try {
    group.media = media_.load(group.item);
    std::vector<vlm::Media> pictures;
    for (const judge::Medium& medium : group.media) pictures.push_back(medium.media);
    judge::check_prompt(group.item.prompt);
    group.prompt = judge::judge_segment(spec_.tokenizer, spec_.config, pictures, group.item.prompt, config_.answer_kind());
    const std::int64_t tokens = std::ssize(group.prompt.ids) + config_.max_completion_length,
                       room = spec_.config.text.max_position_embeddings;
    if (room > 0 && tokens > room)
      throw Error(Code::kInvalidInput, "prompt", format("{} tokens with the completion, the model takes {}", tokens, room));
  } catch (const Error& e) {
    problem = format("{}: {}", group.item.id, e.what());
    return std::nullopt;
  }
  return group;
}

void Roller::sample(std::vector<Group>& groups, RolloutBatch& batch) {
  const Stopwatch watch(batch.sample_seconds);
  vlm::SamplingOptions options{.temperature = config_.temperature,
                               .top_p = config_.top_p,
                               .min_p = config_.min_p,
                               .top_k = config_.top_k,
                               .max_new_tokens = config_.max_completion_length,
                               .stop_ids = spec_.stop_ids,
                               .banned_ids = spec_.banned_ids,
                               .watch_ids = {},
                               .seed = static_cast<std::uint64_t>(config_.seed)};
  const judge::AnswerKind kind = config_.answer_kind();
  if (kind == judge::AnswerKind::kSoft) options.watch_ids.assign(spec_.index_ids.begin(), spec_.index_ids.begin() + 2);
  std::vector<vlm::Request> requests;
  for (const Group& group : groups) requests.push_back({group.prompt, static_cast<int>(config_.num_generations), group.key});
  auto completions = sampler_.sample(requests, options);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    batch.prompt_tokens += std::ssize(groups[g].prompt.ids);
    for (vlm::Completion& completion : completions[g]) {
      Sample sample;
      sample.vote = judge::read_vote(spec_, completion, kind, 2);
      sample.completion = std::move(completion);
      batch.completion_tokens += sample.vote.tokens;
      groups[g].samples.push_back(std::move(sample));
    }
  }
}

void Roller::hear(std::vector<Group>& groups) {
  const ProfileSpan span("listen");
  std::vector<std::vector<judge::Medium>> seen;  // where the listener sees them another way
  std::vector<Hearing> all;
  seen.reserve(groups.size());
  for (const Group& group : groups) {
    if (listener_media_) seen.push_back(listener_media_->load(group.item));
    Hearing& hearing = all.emplace_back(Hearing{group.item.prompt, listener_media_ ? seen.back() : group.media, {}});
    for (const Sample& sample : group.samples)
      if (sample.vote.verdict.parsed) hearing.thoughts.push_back(sample.vote.verdict.thought);
  }
  const std::vector<std::vector<double>> p = listener_->hear(all);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::size_t next = 0;
    for (Sample& sample : groups[g].samples)
      if (sample.vote.verdict.parsed) sample.listener = p[g][next++];
  }
}

void Roller::reward(std::vector<Group>& groups, RolloutBatch& batch) {
  if (listener_) {
    const Stopwatch watch(batch.listener_seconds);
    hear(groups);
  }
  const Stopwatch watch(batch.reward_seconds);
  const ProfileSpan span("reward");
  const std::vector<double> weights = config_.weights();
  const Decision decision = config_.exact_decision() ? Decision::kExact : Decision::kSampled;
  RewardOptions options = config_.rewards;
  options.max_completion_length = config_.max_completion_length;
  std::vector<double> outside;
  if (command_.exists()) {
    std::vector<Json> lines;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) lines.push_back(command_line(group, sample));
    outside = command_.run(lines);
  }
  std::size_t number = 0;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      const bool parsed = sample.vote.verdict.parsed;
      for (std::size_t k = 0; k < rewards_.size(); ++k) {
        const bool counts = parsed || (!config_.gate_on_format && !rewards_[k]->needs_answer);
        const Grade grade = counts ? rewards_[k]->grade(judged(group, sample), options, decision) : Grade{};
        sample.rewards.push_back(grade.value);
        sample.slope += weights[k] * grade.slope;
      }
      if (command_.exists()) sample.rewards.push_back(parsed || !config_.gate_on_format ? outside[number] : 0.0);
      ++number;
    }
}

// The next `wanted` items that can be used, this rank's part of them.
std::vector<Group> Roller::take(std::int64_t wanted, std::int64_t& cursor, RolloutBatch& batch) {
  std::vector<Group> mine;
  while (wanted > 0) {
    std::vector<std::string> problems;  // per item of this rank's part; empty: none
    const auto [begin, end] = ranks_.part(wanted);
    for (std::int64_t number = cursor + begin; number < cursor + end; ++number) {
      std::string problem;
      if (std::optional<Group> group = prepare(number, problem)) {
        group->key = mix_keys(stable_hash(group->item.id), static_cast<std::uint64_t>(number));
        mine.push_back(std::move(*group));
      }
      problems.push_back(problem);
    }
    cursor += wanted;
    wanted = 0;
    for (const std::string& problem : ranks_.gather_texts(problems)) {
      unusable_ = problem.empty() ? 0 : unusable_ + 1;
      if (problem.empty()) continue;
      ++wanted;
      batch.problems.push_back(problem);
      if (unusable_ == kUnusableLimit)
        throw Error(Code::kInvalidInput, "data", format("{} items in a row cannot be used: {}", unusable_, problem),
                    "mend the data; checkpoints so far are intact");
    }
  }
  return mine;
}

void Roller::share_facts(RolloutBatch& batch) {
  std::vector<double> flat;
  const std::size_t rewards = config_.reward_names().size(), width = 6 + rewards;
  for (const Group& group : batch.groups)
    for (const Sample& s : group.samples) {
      const judge::Verdict& verdict = s.vote.verdict;
      for (const double fact : {static_cast<double>(s.completion.ids.size()), s.completion.finished ? 1.0 : 0.0, verdict.parsed ? 1.0 : 0.0,
                                verdict.parsed && verdict.choice == 1 ? 1.0 : 0.0, s.listener ? 1.0 : 0.0,
                                s.listener && contradicts(verdict, *s.listener) ? 1.0 : 0.0})
        flat.push_back(fact);
      flat.insert(flat.end(), s.rewards.begin(), s.rewards.end());
    }
  const std::vector<std::string> parts =
      ranks_.gather(std::string(reinterpret_cast<const char*>(flat.data()), flat.size() * sizeof(double)));
  for (std::size_t r = 0; r < parts.size(); ++r) {
    if (static_cast<int>(r) == ranks_.rank()) batch.first = batch.facts.size();
    flat.resize(parts[r].size() / sizeof(double));
    std::memcpy(flat.data(), parts[r].data(), parts[r].size());
    for (const double* f = flat.data(); f < flat.data() + flat.size(); f += width)
      batch.facts.push_back({.tokens = static_cast<std::int64_t>(f[0]),
                             .finished = f[1] > 0,
                             .parsed = f[2] > 0,
                             .first = f[3] > 0,
                             .heard = f[4] > 0,
                             .contradicted = f[5] > 0,
                             .rewards = {f + 6, f + width}});
  }
}

RolloutBatch Roller::next(std::int64_t& cursor) {
  RolloutBatch batch;
  std::int64_t missing = config_.batch_size() / config_.num_generations;
  const std::vector<double> weights = config_.weights();
  for (int round = 0; missing > 0; ++round) {
    std::vector<Group> fresh = take(missing, cursor, batch);
    expect(missing, cursor);
    sample(fresh, batch);
    reward(fresh, batch);
    std::int64_t flat = 0;
    for (Group& group : fresh) {
      std::vector<std::vector<double>> rewards;
      for (const Sample& s : group.samples) rewards.push_back(s.rewards);
      if (config_.dynamic_sampling && round < kRefills && is_flat(rewards, weights))
        ++flat;
      else
        batch.groups.push_back(std::move(group));
    }
    missing = config_.dynamic_sampling && round < kRefills ? static_cast<std::int64_t>(ranks_.sum(static_cast<double>(flat))) : 0;
    batch.refilled += missing;
  }
  batch.prompt_tokens = static_cast<std::int64_t>(ranks_.sum(static_cast<double>(batch.prompt_tokens)));
  batch.completion_tokens = static_cast<std::int64_t>(ranks_.sum(static_cast<double>(batch.completion_tokens)));
  share_facts(batch);
  std::vector<std::vector<double>> rewards;
  for (const SampleFacts& facts : batch.facts) rewards.push_back(facts.rewards);
  batch.advantages = compute_advantages(rewards, static_cast<std::size_t>(config_.num_generations), config_.advantage_options());
  std::size_t i = batch.first;
  for (Group& group : batch.groups)
    for (Sample& s : group.samples) s.advantage = batch.advantages.values[i++];
  return batch;
}

}  // namespace beholder::train
