#include "dist/courier.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <sstream>
#include <utility>

#include "core/format.h"

namespace beholder::dist {
namespace {

constexpr const char* kFault = "fault";

std::string beat_key(int rank) {
  return format("beat/{}", rank);
}

std::string text_of(const Beat& beat) {
  return format("{} {} {}", beat.number, beat.collectives, beat.host);
}

std::optional<Beat> read_beat(const Board& board, int rank) {
  const std::optional<std::string> text = board.get(beat_key(rank));
  if (!text) return std::nullopt;
  Beat beat;
  std::istringstream(*text) >> beat.number >> beat.collectives >> beat.host;
  return beat;
}

}  // namespace

struct Courier::Shared {
  Board board;
  int rank = 0, size = 1;
  std::chrono::milliseconds beat{};
  std::function<Beat()> own;  // only called while `stop` is false, under the mutex

  std::mutex mutex;                 // of what follows; never held during a call of the board
  std::condition_variable changed;  // the news, or what is wanted
  News news;
  std::optional<std::string> to_post;
  bool looking = false, hurry = false, stop = false, done = false;

  // One exchange with the board, of `known` as it was before.
  News round(News known, const Beat& mine, const std::optional<std::string>& fault, bool look) const {
    board.set(beat_key(rank), text_of(mine));
    known.fault = board.get(kFault);
    if (fault && !known.fault) {
      board.set(kFault, *fault);
      known.fault = fault;
    }
    known.posted = fault.has_value();
    for (int r = 0; r < size; ++r)
      if (std::optional<Beat>& of = known.beats[static_cast<std::size_t>(r)]; look || !of) of = read_beat(board, r);
    ++known.rounds;
    known.looks += look ? 1 : 0;
    return known;
  }
};

Courier::Courier(Board board, int rank, int size, std::chrono::milliseconds beat, std::function<Beat()> own)
    : shared_(std::make_shared<Shared>()) {
  shared_->board = std::move(board);
  shared_->rank = rank;
  shared_->size = size;
  shared_->beat = beat;
  shared_->own = std::move(own);
  shared_->news.beats.resize(static_cast<std::size_t>(size));
  thread_ = std::thread(work, shared_);
}

Courier::~Courier() {
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
  const bool ended = shared_->changed.wait_for(lock, 2 * shared_->beat, [this] { return shared_->done; });
  lock.unlock();
  if (ended)
    thread_.join();
  else
    thread_.detach();
}

void Courier::work(const std::shared_ptr<Shared>& shared) {
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  while (!s.stop && !s.news.lost) {
    s.hurry = false;
    const auto [known, mine, fault, look] = std::tuple(s.news, s.own(), s.to_post, s.looking);
    lock.unlock();
    std::optional<News> heard;
    try {
      heard = s.round(known, mine, fault, look);
    } catch (const std::exception&) {  // nobody is there to be told
    }
    lock.lock();
    if (heard)
      s.news = std::move(*heard);
    else
      s.news.lost = true;
    s.changed.notify_all();
    s.changed.wait_for(lock, s.beat, [&] { return s.stop || s.hurry; });
  }
  s.done = true;
  s.changed.notify_all();
}

News Courier::news() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->news;
}

News Courier::wait(std::chrono::milliseconds at_most, const std::function<bool(const News&)>& enough) const {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, at_most, [&] { return enough(shared_->news); });
  return shared_->news;
}

void Courier::post(const std::string& fault) {
  const std::lock_guard lock(shared_->mutex);
  shared_->to_post = fault;
  shared_->hurry = true;
  shared_->changed.notify_all();
}

std::int64_t Courier::look() {
  const std::lock_guard lock(shared_->mutex);
  shared_->looking = shared_->hurry = true;
  shared_->changed.notify_all();
  return shared_->news.looks;
}

}  // namespace beholder::dist
