#include "train/sft_batch.h"

#include <algorithm>

#include "core/format.h"
#include "core/profile.h"

namespace beholder::train {

std::vector<std::span<const SftExample>> SftBatch::micro_batches(std::int64_t size) const {
  std::vector<std::span<const SftExample>> out;
  const std::span<const SftExample> all(examples);
  for (std::size_t begin = 0; begin < all.size(); begin += static_cast<std::size_t>(size))
    out.push_back(all.subspan(begin, std::min(static_cast<std::size_t>(size), all.size() - begin)));
  return out;
}

std::string SftBatch::ids() const {
  std::string out;
  for (const SftExample& example : examples) out += (out.empty() ? "" : ", ") + example.id;
  return out;
}

SftBatch make_batch(const SftSource& source, std::int64_t step, Part part, std::int64_t max_tokens) {
  const ProfileSpan span("make a batch");
  SftBatch batch;
  batch.step = step;
  for (std::int64_t index = part.first; index < part.second; ++index) {
    SftExample example = source.example(step, index);
    const auto tokens = static_cast<std::int64_t>(example.segment.ids.size());
    if (example.problem.empty() && tokens > max_tokens) example.problem = format("{} tokens, more than max_length {}", tokens, max_tokens);
    if (!example.problem.empty()) {
      batch.problems.push_back(format("{}: {}", example.id, example.problem));
      continue;
    }
    batch.tokens += tokens;
    batch.completion_tokens += example.completion_tokens();
    batch.examples.push_back(std::move(example));
  }
  return batch;
}

BatchPrefetcher::BatchPrefetcher(const SftSource& source, std::int64_t first, std::int64_t end, Part part, std::int64_t max_tokens)
    : source_(source), thread_([=, this] { work(first, end, part, max_tokens); }) {}

BatchPrefetcher::~BatchPrefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BatchPrefetcher::work(std::int64_t first, std::int64_t end, Part part, std::int64_t max_tokens) {
  for (std::int64_t step = first; step < end; ++step) {
    SftBatch batch;
    std::exception_ptr failure;
    try {
      batch = make_batch(source_, step, part, max_tokens);
    } catch (...) {
      failure = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || ready_.size() < kAhead; });
    if (stop_) return;
    if (failure) {
      failure_ = failure;
      changed_.notify_all();
      return;
    }
    ready_.push_back(std::move(batch));
    changed_.notify_all();
  }
}

SftBatch BatchPrefetcher::next() {
  const ProfileSpan span("wait for a batch");
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || !ready_.empty(); });
  if (ready_.empty()) std::rethrow_exception(failure_);
  SftBatch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

}  // namespace beholder::train
