#include "train/rollout.h"

#include <chrono>
#include <limits>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "judge/prompt.h"

namespace beholder::train {
namespace {

constexpr int kRefills = 3;         // of groups that teach nothing
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
  if (sample.vote.drawn > 0) out.verdict.choice = sample.vote.drawn;  // the policy's action, not its likelier alternative
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
          {"choice", vote.drawn > 0 ? vote.drawn : vote.verdict.choice},
          {"p", vote.p.size() == 2 ? Json(vote.p[0]) : Json()},
          {"q", group.item.q},
          {"parsed", vote.verdict.parsed}};
}

}  // namespace

std::string RolloutBatch::ids() const {
  std::string out;
  for (const Group& group : groups) out += (out.empty() ? "" : ", ") + group.item.id;
  return out;
}

Roller::Roller(const GrpoConfig& config, const judge::JudgeSpec& spec, const vlm::Model& model, const PreferenceSource& source,
               Listener* listener)
    : config_(config),
      spec_(spec),
      source_(source),
      sampler_(model),
      listener_(listener),
      media_(spec.patches),
      command_(config.reward_command, config.reward_command_timeout) {
  if (listener_ && listener_->spec().patches != spec.patches) listener_media_.emplace(listener_->spec().patches);
  for (const std::string& name : config.reward_funcs) rewards_.push_back(&reward_named(name));
}

std::optional<Group> Roller::prepare(std::int64_t number, RolloutBatch& batch) {
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
    batch.problems.push_back(format("{}: {}", group.item.id, e.what()));
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

void Roller::hear(Group& group) {
  std::vector<std::string> thoughts;
  for (const Sample& sample : group.samples)
    if (sample.vote.verdict.parsed) thoughts.push_back(sample.vote.verdict.thought);
  if (thoughts.empty()) return;
  const std::vector<double> p =
      listener_->hear(group.item.prompt, listener_media_ ? listener_media_->load(group.item) : group.media, thoughts);
  std::size_t next = 0;
  for (Sample& sample : group.samples)
    if (sample.vote.verdict.parsed) sample.listener = p[next++];
}

void Roller::reward(std::vector<Group>& groups, RolloutBatch& batch) {
  if (listener_) {
    const Stopwatch watch(batch.listener_seconds);
    for (Group& group : groups) hear(group);
  }
  const Stopwatch watch(batch.reward_seconds);
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

RolloutBatch Roller::next(std::int64_t& cursor) {
  RolloutBatch batch;
  const auto wanted = static_cast<std::size_t>(config_.batch_size() / config_.num_generations);
  const std::vector<double> weights = config_.weights();
  int unusable = 0;
  for (int round = 0; batch.groups.size() < wanted; ++round) {
    std::vector<Group> fresh;
    while (batch.groups.size() + fresh.size() < wanted) {
      const std::int64_t number = cursor++;
      if (std::optional<Group> group = prepare(number, batch)) {
        group->key = mix_keys(stable_hash(group->item.id), static_cast<std::uint64_t>(number));
        fresh.push_back(std::move(*group));
        unusable = 0;
      } else if (++unusable == kUnusableLimit) {
        throw Error(Code::kInvalidInput, "data", format("{} items in a row cannot be used: {}", unusable, batch.problems.back()),
                    "mend the data; checkpoints so far are intact");
      }
    }
    sample(fresh, batch);
    reward(fresh, batch);
    for (Group& group : fresh) {
      std::vector<std::vector<double>> rewards;
      for (const Sample& s : group.samples) rewards.push_back(s.rewards);
      if (config_.dynamic_sampling && round < kRefills && is_flat(rewards, weights))
        ++batch.refilled;
      else
        batch.groups.push_back(std::move(group));
    }
  }
  std::vector<std::vector<double>> rewards;
  for (const Group& group : batch.groups)
    for (const Sample& s : group.samples) rewards.push_back(s.rewards);
  batch.advantages = compute_advantages(rewards, static_cast<std::size_t>(config_.num_generations), config_.advantage_options());
  std::size_t i = 0;
  for (Group& group : batch.groups)
    for (Sample& s : group.samples) s.advantage = batch.advantages.values[i++];
  return batch;
}

}  // namespace beholder::train
