// What a judge is worth on the embedded world, measured against truth: does it see (attributes, faults, true statements),
// does it judge (verdicts, probabilities), and how far could it get (the naive rule and Bayes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bootstrap.h"
#include "core/json.h"
#include "world/checker.h"
#include "world/item.h"

namespace beholder::world {

class Measure {
 public:
  // One judged item. `verdict`: the chosen medium, 0-based; -1: none, several are best; nothing where the answer could not be read. Both
  // are counted as wrong.
  // `p`: the judge's probability that medium 1 is preferred, for items of two media; nothing counts as 0.5.
  // `listener`: an independent reader's probability of medium 1, where there is one.
  void add(const Item& item, std::string_view thought, std::optional<int> verdict, std::optional<double> p,
           std::optional<double> listener = {});

  std::size_t items() const { return rows_.size(); }
  // {"id":…, "<metric>":[sum, n], …}: what item i adds to each of the metrics below that it has a part in; of items of two media also
  // "q", the votes' share of medium 1, and the probabilities of medium 1: "p" of the judge (where it was read), "heard" of the listener.
  Json row(std::size_t i) const;

  // {"items":…, "unparsed_verdicts":…, "<metric>":{"value":…,"n":…,"interval":[low,high]}, …, "by_defect":{…}, "by_attribute":{…}}
  //   attribute_accuracy  share of the attributes there are that the thought gets right (silence is not right)
  //   defect_recall, defect_precision   of the faults listed, pooled over faults, also per defect
  //   thought_truth       share of all statements that are true; what cannot be read counts as not true
  //   well_formed         share of the thoughts
  //   verdict_accuracy    agreement with the voters' majority; with more than two media: with any best-ranked one
  //   naive_accuracy, bayes_accuracy    expected over the votes, exact for two media
  //   brier               mean of (p - q)^2, q the vote share; two media only
  //   brier_true          the same with the true chance in place of the votes' share: without the noise of the votes
  //   verdict_follows_faults   share of the verdicts that go to the medium with the fewest faults by the thought's own lists, where
  //                       these tell one best medium
  //   first_share         of the verdicts that could be read, those for medium 1
  //   contradiction       of the verdicts that a listener heard, those whose medium it does not prefer
  //   accuracy_agreed, accuracy_contradicted   verdict_accuracy where it prefers the same medium, and where it does not
  // `n` is the denominator (attributes, faults, statements, items); a metric with n = 0 has null for value and interval.
  // Intervals: 95%, percentile bootstrap over items.
  Json report(std::uint64_t seed = 1, int resamples = 1000) const;

 private:
  std::vector<std::string> ids_;
  std::vector<std::vector<Ratio>> rows_;  // per item, one entry per metric
  struct Said {
    std::optional<double> q, p, heard;
  };
  std::vector<Said> said_;  // per item
  int unparsed_verdicts_ = 0;
};

}  // namespace beholder::world
