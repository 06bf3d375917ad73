// What the order of n candidates costs with --strategy adaptive, before a simulated judge (judge/simulated.h):
//   build/rank_bench [SPREAD [NOISE [SEEDS [MOST]]]]        // MOST: candidates
// Means over the seeds: comparisons, their share of all pairs, Kendall's tau to the order of all pairs, of either to the true order, and
// the seconds that choosing took.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/correlation.h"
#include "core/format.h"
#include "judge/adaptive.h"
#include "judge/simulated.h"

namespace beholder {
namespace {

struct Row {
  double comparisons = 0, tau_to_all = 0, tau = 0, tau_of_all = 0, expected = 0, seconds = 0;
};

void add_run(int n, const judge::Simulated& judge, double part, Row& row) {
  const auto start = std::chrono::steady_clock::now();
  const auto budget = static_cast<std::size_t>(judge::AdaptiveOrder::default_budget(n));
  judge::AdaptiveOrder adaptive(n, judge.seed, 0.1);
  std::size_t asked = 0;
  while (adaptive.expected_tau() < 0.95) {
    std::vector<judge::Outcome> outcomes;
    for (const auto& [i, j] : adaptive.next())
      if (asked + outcomes.size() < budget) outcomes.push_back(judge.ask(i, j));
    if (outcomes.empty()) break;
    asked += outcomes.size();
    adaptive.add(outcomes);
  }
  row.seconds += part * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::vector<double>&few = adaptive.fit().theta, all = judge::fit_bradley_terry(n, judge.ask_all()).theta;
  row.comparisons += part * static_cast<double>(asked);
  row.tau_to_all += part * kendall_tau_b(few, all);
  row.tau += part * kendall_tau_b(few, judge.truth);
  row.tau_of_all += part * kendall_tau_b(all, judge.truth);
  row.expected += part * adaptive.expected_tau();
}

int main(int argc, char** argv) {
  const double spread = argc > 1 ? std::atof(argv[1]) : 1.15, noise = argc > 2 ? std::atof(argv[2]) : 0.23;
  const int seeds = argc > 3 ? std::atoi(argv[3]) : 5, most = argc > 4 ? std::atoi(argv[4]) : 1000;
  std::printf("%6s %12s %9s %10s %8s %10s %9s %9s\n", "n", "comparisons", "of all", "tau to all", "tau", "tau of all", "expected",
              "seconds");
  for (const int n : {4, 8, 16, 32, 64, 128, 256, 512, 1000}) {
    if (n > most) break;
    Row row;
    for (int seed = 0; seed < seeds; ++seed)
      add_run(n, judge::Simulated(n, spread, noise, static_cast<std::uint64_t>(seed)), 1.0 / seeds, row);
    std::printf("%6d %12.0f %8.1f%% %10.3f %8.3f %10.3f %9.3f %9.2f\n", n, row.comparisons, 200 * row.comparisons / n / (n - 1),
                row.tau_to_all, row.tau, row.tau_of_all, row.expected, row.seconds);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace beholder

int main(int argc, char** argv) {
  return beholder::main(argc, argv);
}
