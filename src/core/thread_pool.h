// A few threads and a queue of work, first come first served.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace beholder {

// Threads for work beside the main one's: half of the cores it may use, 1 to 8.
int helper_threads();

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();  // waits for what has begun; what waits in the queue is dropped, and its futures are broken
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // `make` runs on one of the threads; what it throws comes out of the future.
  template <class Make>
  auto add(Make make) -> std::future<decltype(make())> {
    auto task = std::make_shared<std::packaged_task<decltype(make())()>>(std::move(make));
    auto result = task->get_future();
    push([task] { (*task)(); });
    return result;
  }

 private:
  void push(std::function<void()> work);
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace beholder
