#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "core/error.h"
#include "core/format.h"
#include "dist/launch.h"
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

// A board that ranks of one process share.
struct Shared {
  std::mutex mutex;
  std::map<std::string, std::string> values;
  Board board() {
    return {.set =
                [this](const std::string& key, const std::string& value) {
                  const std::lock_guard lock(mutex);
                  values[key] = value;
                },
            .get = [this](const std::string& key) -> std::optional<std::string> {
              const std::lock_guard lock(mutex);
              const auto it = values.find(key);
              return it == values.end() ? std::nullopt : std::optional(it->second);
            }};
  }
};

TEST(Watch, TellsTheDeadFromTheSlow) {
  Shared shared;
  const auto ignore = [](const std::string&) {};
  Watch a(shared.board(), 0, 3, "hostA", ignore, kBeat);
  auto b = std::make_optional<Watch>(shared.board(), 1, 3, "hostB", ignore, kBeat);
  Watch c(shared.board(), 2, 3, "hostC", ignore, kBeat);
  for (Watch* w : {&a, &c}) w->enter_collective();
  std::this_thread::sleep_for(2 * kBeat);  // a beat says so
  EXPECT_THAT(a.blame(), ::testing::AllOf(HasSubstr("rank 1 (hostB)"), HasSubstr("hangs")));
  b.reset();
  EXPECT_THAT(a.blame(), ::testing::AllOf(HasSubstr("rank 1 (hostB)"), HasSubstr("died")));
  c.report("rank 2 (hostC) stopped: the loss is nan");
  EXPECT_THAT(a.blame(), HasSubstr("nan"));
}

TEST(Watch, AFaultEndsARankThatIsBusyWithSomethingElse) {
  Shared shared;
  std::atomic<int> ended = 0;
  Watch a(shared.board(), 0, 2, "hostA", [&](const std::string& fault) { ended += fault == "gone" ? 1 : 100; }, kBeat);
  Watch b(shared.board(), 1, 2, "hostB", [](const std::string&) {}, kBeat);
  b.report("gone");
  for (int i = 0; i < 100 && ended == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace beholder::dist
