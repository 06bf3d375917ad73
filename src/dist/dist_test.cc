#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <thread>

#include "core/error.h"
#include "core/format.h"
#include "dist/launch.h"
#include "dist/traffic.h"
#include "dist/watch.h"

namespace beholder::dist {
namespace {

using ::testing::HasSubstr;

Environment of(const std::map<std::string, std::string>& variables) {
  return [variables](const char* name) -> const char* {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  };
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Launch, NothingSaidIsOneProcess) {
  EXPECT_EQ(find_place(of({})).size, 1);
  EXPECT_EQ(find_place(of({{"WORLD_SIZE", "1"}})).size, 1);
  EXPECT_EQ(find_place(of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}})).size, 1) << "a batch script, not a step of it";
}

TEST(Launch, TorchrunAndKubernetes) {
  const Place place = find_place(of({{"RANK", "3"},
                                     {"WORLD_SIZE", "4"},
                                     {"LOCAL_RANK", "1"},
                                     {"MASTER_ADDR", "head"},
                                     {"MASTER_PORT", "1234"},
                                     {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                     {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.size, 4);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.address, "head");
  EXPECT_EQ(place.port, 1234);
  EXPECT_TRUE(place.store_is_there);
  EXPECT_THAT(place.run, HasSubstr("2"));
}

TEST(Launch, Slurm) {
  const Place place = find_place(of({{"SLURM_PROCID", "5"},
                                     {"SLURM_STEP_NUM_TASKS", "8"},
                                     {"SLURM_LOCALID", "1"},
                                     {"SLURM_STEP_NODELIST", "gpu[007-010],other"},
                                     {"SLURM_JOB_ID", "123456"}}));
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.size, 8);
  EXPECT_EQ(place.address, "gpu007");
  EXPECT_EQ(place.port, 29500 + 456);
  EXPECT_EQ(first_host("a"), "a");
  EXPECT_EQ(first_host("a,b"), "a");
  EXPECT_EQ(first_host("rack[2,5-7]-ib"), "rack2-ib");
}

TEST(Launch, HalfSaidNamesWhatIsMissing) {
  EXPECT_THAT(error_of([] { find_place(of({{"WORLD_SIZE", "2"}})); }), HasSubstr("RANK"));
  EXPECT_THAT(error_of([] { find_place(of({{"WORLD_SIZE", "2"}, {"RANK", "0"}})); }), HasSubstr("MASTER_ADDR"));
  EXPECT_THAT(error_of([] { find_place(of({{"WORLD_SIZE", "two"}})); }), HasSubstr("two"));
  EXPECT_THAT(error_of([] { find_place(of({{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "a"}})); }), HasSubstr("2 of 2"));
}

TEST(Launch, EveryLocalRankHasItsGpu) {
  EXPECT_EQ(device_of("cuda", 0, 4), "cuda:0");
  EXPECT_EQ(device_of("cuda", 3, 4), "cuda:3");
  EXPECT_EQ(device_of("cuda", 3, 1), "cuda:0") << "the launcher shows each process its own";
  EXPECT_EQ(device_of("cuda", 1, 0), "cuda") << "whoever opens it says that there is none";
  EXPECT_EQ(device_of("cuda:2", 1, 4), "cuda:2");
  EXPECT_EQ(device_of("cpu", 1, 4), "cpu");
}

int free_port() {
  static int port = 31000 + static_cast<int>(::getpid()) % 20000;
  return ++port;
}

// `ranks` threads, each with a group of its own over the loopback.
void on_ranks(int ranks, double timeout_s, const std::function<void(ProcessGroup&)>& work) {
  const int port = free_port();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      const auto group = join({.rank = rank, .size = ranks, .address = "127.0.0.1", .port = port, .store_is_there = false, .run = "t"},
                              timeout_s, [](const std::string& fault) { ADD_FAILURE() << fault; });
      work(*group);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(GlooGroup, CollectivesAreWhatTheySay) {
  on_ranks(3, 30, [](ProcessGroup& group) {
    const double r = group.rank();
    EXPECT_EQ(group.sum(r + 1), 6);
    EXPECT_TRUE(group.any(group.rank() == 2));
    EXPECT_FALSE(group.any(false));
    at::Tensor t = at::full({5}, r, at::kFloat);
    group.broadcast(t, 1);
    EXPECT_EQ(t.sum().item<double>(), 5);
    at::Tensor big = at::arange(100'000, at::kFloat) * (r + 1);
    const auto pending = group.reduce(big, 2);
    pending->wait();
    if (group.rank() == 2) {
      EXPECT_TRUE(big.equal(at::arange(100'000, at::kFloat) * 6));
    }
    const std::vector<std::string> all = group.gather(std::string(static_cast<std::size_t>(group.rank()), 'x'));
    EXPECT_THAT(all, ::testing::ElementsAre("", "x", "xx"));
    const std::vector<std::vector<std::string>> texts = {{"a", ""}, {}, {std::string("b\0c", 3), "d"}};
    EXPECT_THAT(group.gather_texts(texts[static_cast<std::size_t>(group.rank())]), ::testing::ElementsAre("a", "", "bc", "d"));
    EXPECT_EQ(group.sum(std::int64_t{1} << (40 + group.rank())), std::int64_t{7} << 40);
    EXPECT_EQ(group.part(10), (std::pair<std::int64_t, std::int64_t>{10 * group.rank() / 3, 10 * (group.rank() + 1) / 3}));
  });
}

TEST(GlooGroup, MissingRanksAreNamed) {
  const int port = free_port();
  EXPECT_THAT(error_of([&] {
                join({.rank = 0, .size = 3, .address = "127.0.0.1", .port = port, .store_is_there = false, .run = "m"}, 1,
                     [](const std::string&) {});
              }),
              ::testing::AllOf(HasSubstr("1, 2"), HasSubstr("ddp_timeout")));
}

constexpr std::chrono::milliseconds kBeat(150);

WatchOptions watcher(int rank, int size, const std::string& host, std::chrono::milliseconds timeout = std::chrono::minutes(1)) {
  return {.rank = rank, .size = size, .host = host, .timeout = timeout, .beat = kBeat};
}

void ignore(const std::string&) {}

// A board that ranks of one process share. While it hangs, its calls do not return.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::string> values;
  bool hangs = false;

  // For other ranks than its keeper's it may hang.
  static Board board(const std::shared_ptr<Shared>& shared, bool may_hang = false) {
    const auto lock = [shared, may_hang] {
      std::unique_lock locked(shared->mutex);
      shared->changed.wait(locked, [&] { return !may_hang || !shared->hangs; });
      return locked;
    };
    return {.set =
                [shared, lock](const std::string& key, const std::string& value) {
                  const auto locked = lock();
                  shared->values[key] = value;
                },
            .get = [shared, lock](const std::string& key) -> std::optional<std::string> {
              const auto locked = lock();
              const auto it = shared->values.find(key);
              return it == shared->values.end() ? std::nullopt : std::optional(it->second);
            }};
  }

  void hang(bool value) {
    const std::lock_guard lock(mutex);
    hangs = value;
    changed.notify_all();
  }
};

TEST(Watch, TellsTheDeadFromTheSlow) {
  const auto shared = std::make_shared<Shared>();
  Watch a(Shared::board(shared), watcher(0, 3, "hostA"), ignore);
  auto b = std::make_optional<Watch>(Shared::board(shared), watcher(1, 3, "hostB"), ignore);
  Watch c(Shared::board(shared), watcher(2, 3, "hostC"), ignore);
  for (Watch* w : {&a, &c}) w->enter_collective();
  std::this_thread::sleep_for(2 * kBeat);  // a beat says so
  EXPECT_THAT(a.blame(), ::testing::AllOf(HasSubstr("rank 1 (hostB)"), HasSubstr("hangs")));
  b.reset();
  EXPECT_THAT(a.blame(), ::testing::AllOf(HasSubstr("rank 1 (hostB)"), HasSubstr("died")));
  c.report("rank 2 (hostC) stopped: the loss is nan");
  EXPECT_THAT(a.blame(), HasSubstr("nan"));
}

TEST(Watch, AFaultEndsARankThatIsBusyWithSomethingElse) {
  const auto shared = std::make_shared<Shared>();
  std::atomic<int> ended = 0;
  Watch a(Shared::board(shared), watcher(0, 2, "hostA"), [&](const std::string& fault) { ended += fault == "gone" ? 1 : 100; });
  Watch b(Shared::board(shared), watcher(1, 2, "hostB"), ignore);
  b.report("gone");
  for (int i = 0; i < 100 && ended == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(ended, 1);
}

// Rank 0 is stopped: what it keeps takes calls and never answers them.
TEST(Watch, ABoardThatHangsHoldsNobodyAndNamesItsKeeper) {
  const auto shared = std::make_shared<Shared>();
  Watch keeper(Shared::board(shared), watcher(0, 3, "hostA"), ignore);
  std::promise<std::string> ended;
  Watch busy(Shared::board(shared, true), watcher(2, 3, "hostC", 4 * kBeat), [&](const std::string& fault) { ended.set_value(fault); });
  std::optional<Watch> waits(std::in_place, Shared::board(shared, true), watcher(1, 3, "hostB"), ignore);
  std::this_thread::sleep_for(2 * kBeat);
  shared->hang(true);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(waits->blame(), ::testing::AllOf(HasSubstr("rank 0 (hostA)"), HasSubstr("does not answer")));
  waits->report("nobody hears it");
  waits.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20 * kBeat);
  std::future<std::string> fault = ended.get_future();
  ASSERT_EQ(fault.wait_for(40 * kBeat), std::future_status::ready) << "the one that is busy goes on for ever";
  EXPECT_THAT(fault.get(), ::testing::AllOf(HasSubstr("rank 0 (hostA)"), HasSubstr("does not answer")));
  shared->hang(false);
}

TEST(Watch, AKeeperThatIsGoneBeforeItsFirstBeatIsNamed) {
  const auto shared = std::make_shared<Shared>();
  shared->hang(true);
  Watch watch(Shared::board(shared, true), watcher(1, 2, "hostB"), ignore);
  EXPECT_THAT(watch.blame(), ::testing::AllOf(HasSubstr("rank 0"), ::testing::Not(HasSubstr("hostA"))));
  watch.know_keeper("hostA");
  EXPECT_THAT(watch.blame(), HasSubstr("rank 0 (hostA)"));
  shared->hang(false);
}

TEST(Watch, ABoardOfTheLaunchersIsNotRankZero) {
  const auto shared = std::make_shared<Shared>();
  WatchOptions options = watcher(1, 2, "hostB");
  options.keeper = "the launcher at head:1234";
  Watch watch(Shared::board(shared, true), options, ignore);
  shared->hang(true);
  EXPECT_THAT(watch.blame(), ::testing::AllOf(HasSubstr("the launcher at head:1234"), ::testing::Not(HasSubstr("rank 0"))));
  shared->hang(false);
}

// Arrives `after` it is waited for, or has arrived before.
struct Timed : ProcessGroup::Pending {
  explicit Timed(ProcessGroup::Clock::time_point end) : end_(end) {}
  void wait() override { std::this_thread::sleep_until(end_); }
  ProcessGroup::Clock::time_point ended() const override { return end_; }
  ProcessGroup::Clock::time_point end_;
};

TEST(Traffic, CountsTimeUnderWayOnceAndWhatWasWaited) {
  using std::chrono::milliseconds;
  Traffic traffic;
  EXPECT_EQ(traffic.hidden(), 0);
  const auto now = ProcessGroup::Clock::now();
  const auto parcel = [&](int end_ms) { return Parcel([=] { return std::make_unique<Timed>(now + milliseconds(end_ms)); }); };
  Parcel a = parcel(200), b = parcel(100), c = parcel(400), none([] { return nullptr; });
  std::this_thread::sleep_until(now + milliseconds(300));  // 300 ms of work
  for (Parcel* p : {&a, &b, &none, &c}) traffic.arrived(*p);
  EXPECT_NEAR(traffic.waited_s(), 0.1, 0.05);
  EXPECT_NEAR(traffic.hidden(), 0.75, 0.12);
}

}  // namespace
}  // namespace beholder::dist
