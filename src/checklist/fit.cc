#include "checklist/fit.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::checklist {
namespace {

struct Split {
  std::vector<std::size_t> train, test;  // indices into PairSet::pairs, ties among them
};

// Whole prompts are held out: pairs of one prompt share media.
Split split_by_prompt(const PairSet& set, const FitOptions& options) {
  Split out;
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    Rng rng(static_cast<std::uint64_t>(options.seed), stable_hash("checklist test"), stable_hash(set.prompts[set.pairs[i].prompt]));
    (rng.uniform() < options.test_share ? out.test : out.train).push_back(i);
  }
  return out;
}

bool any_untied(const PairSet& set, const std::vector<std::size_t>& chosen) {
  return std::any_of(chosen.begin(), chosen.end(), [&](std::size_t i) { return set.pairs[i].label != 0; });
}

// One interval per weight; the questions that --select dropped stay out. `rows`: the pair of every row of the problem.
std::vector<std::optional<Interval>> intervals(const PairSet& set, LogisticProblem problem, const std::vector<std::size_t>& rows,
                                               const LogisticFit& fit, const FitOptions& options, const std::function<void()>& tick) {
  std::vector<std::vector<double>> draws(problem.features);
  const std::vector<double> once = problem.count;
  for (int b = 0; b < options.bootstrap; ++b) {
    tick();
    const std::vector<int> prompts = bootstrap_counts(set.prompts.size(), static_cast<std::uint64_t>(options.seed), b);
    for (std::size_t r = 0; r < rows.size(); ++r) problem.count[r] = once[r] * prompts[set.pairs[rows[r]].prompt];
    if (std::all_of(problem.count.begin(), problem.count.end(), [](double c) { return c == 0; })) continue;
    const LogisticFit drawn = fit_newton(problem, fit.weights);
    for (std::size_t j = 0; j < problem.features; ++j) draws[j].push_back(drawn.weights[j]);
  }
  std::vector<std::optional<Interval>> out;
  for (std::vector<double>& d : draws) out.push_back(d.empty() ? std::nullopt : std::optional(middle_interval(std::move(d))));
  return out;
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json questions_json(const Checklist& list, const PairSet& set, const LogisticFit& fit, const std::vector<bool>& frozen,
                    const std::vector<std::optional<Interval>>& interval) {
  const std::vector<Feature> features = features_of(list);
  const std::vector<QuestionStats> stats = question_stats(set);
  Json out = Json::array();
  for (std::size_t j = 0; j < features.size(); ++j) {
    const SubDimension& sub = list.subs[static_cast<std::size_t>(features[j].sub)];
    Json entry{{"question", feature_text(list, features[j])},
               {"dimension", list.dimensions[static_cast<std::size_t>(sub.dimension)]},
               {"sub_dimension", sub.name},
               {"weight", fit.weights[j]}};
    entry["interval"] = interval[j] ? Json{interval[j]->low, interval[j]->high} : Json();
    entry["n"] = stats[j].n;
    entry["accuracy"] = number_or_null(stats[j].accuracy);
    entry["spearman"] = number_or_null(stats[j].spearman);
    entry["kept"] = frozen.empty() || !frozen[j];
    out.push_back(std::move(entry));
  }
  return out;
}

void check_pairs(const PairSet& set) {
  if (set.pairs.empty())
    throw Error(Code::kInvalidInput, "checklist fit", "there is no pair whose media both have answers",
                "the media of the pairs must be ids or media of the answers");
  if (untied(set).empty())
    throw Error(Code::kInvalidInput, "checklist fit", format("all {} pairs are ties", set.pairs.size()),
                "weights come from pairs of which one medium is preferred");
  const bool differs = std::any_of(set.pairs.begin(), set.pairs.end(), [](const AnswerPair& p) {
    return p.label != 0 && std::any_of(p.x.begin(), p.x.end(), [](double x) { return x != 0; });
  });
  if (!differs)
    throw Error(Code::kInvalidInput, "checklist fit", "no question is ever answered differently for the two media of a pair",
                "look at the answers: they hold nothing that could explain a choice");
}

// True where weights could grow for ever: every untied pair is on its side.
bool separable(const LogisticProblem& problem, const std::vector<double>& w) {
  for (std::size_t i = 0; i < problem.pairs(); ++i)
    if (problem.sign[i] * problem.margin(i, w) <= 0) return false;
  return true;
}

}  // namespace

void FitOptions::fields(FieldList& f) {
  f.group("The fit");
  f.add_choice("solver", solver, {"newton", "visionreward"}, "newton: projected Newton; visionreward: the paper's passes");
  f.add_range("rate", passes.rate, 1e-9, 10, "visionreward: first step size");
  f.add_range("tolerance", passes.tolerance, 0, 1, "visionreward: ends when a pass changes the weights by less");
  f.add_choice("choices", choices, {"votes", "majority"},
               "pairs that several people voted on: votes: every vote counts; majority: one choice a pair, as VisionReward fits");
  f.add_range("l2", l2, 0, 1e6, "ridge penalty; keeps weights finite where the pairs can be told apart without fault");
  f.add_range("select", select, 0, 1e6, "keep at most so many questions (L1 path), fit again with those; 0: all");
  f.group("What is measured");
  f.add_range("test_share", test_share, 0, 0.9,
              "share of the prompts held out for accuracies and the learning curve; 0: measure on the fitted pairs");
  f.add("curve", curve, "numbers of pairs in the learning curve, e.g. 200,500,1000; without it 10, 20, 50, 100, …");
  f.add_range("bootstrap", bootstrap, 0, 100000, "draws of the prompts for the intervals of the weights");
  f.add_range("seed", seed, 0, 1e15, "of the split and the draws");
}

LogisticFit solve(LogisticProblem problem, const FitOptions& options) {
  problem.l2 = options.l2;
  if (options.select > 0) problem.frozen = frozen_by_path(problem, options.select);
  return options.solver == "visionreward" ? fit_passes(problem, options.passes) : fit_newton(problem);
}

Json fit_checklist(const Checklist& list, const PairSet& set, const FitOptions& options, const std::function<void()>& tick) {
  check_pairs(set);
  const std::vector<std::size_t> all = untied(set);
  std::vector<std::size_t> rows;
  LogisticProblem problem = problem_of(set, fitted(set, options.how()), options.how(), &rows);
  problem.l2 = options.l2;
  if (options.select > 0) problem.frozen = frozen_by_path(problem, options.select);
  FitOptions with_these = options;
  with_these.select = 0;
  const LogisticFit fit = solve(problem, with_these);
  tick();
  Json out{{"coef", fit.weights}, {"intercept", {0.0}}, {"solver", options.solver}, {"loss", fit.loss}, {"iterations", fit.iterations}};
  out["converged"] = fit.converged;
  const bool unbounded = separable(problem, fit.weights);
  out["separable"] = unbounded;
  out["choices"] = options.choices;
  out["l2"] = options.l2;
  out["seed"] = options.seed;
  std::int64_t votes = 0;
  for (const AnswerPair& pair : set.pairs) votes += pair.votes;
  out["pairs"] = {{"untied", all.size()},
                  {"ties", set.ties()},
                  {"votes", votes},
                  {"prompts", set.prompts.size()},
                  {"without_answers", set.without_answers},
                  {"bad_records", set.bad_records},
                  {"unlabelled", set.unlabelled}};
  // Without a bound the draws only say where the solver stopped.
  const auto interval = unbounded && options.l2 == 0 ? std::vector<std::optional<Interval>>(problem.features)
                                                     : intervals(set, problem, rows, fit, options, tick);
  out["bootstrap"] = options.bootstrap;
  out["questions"] = questions_json(list, set, fit, problem.frozen, interval);
  Split split = split_by_prompt(set, options);
  const bool held_out = any_untied(set, split.test) && any_untied(set, split.train);
  if (!held_out) split = {untied(set), {}};
  std::vector<std::size_t> every(set.pairs.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
  const std::vector<double> judged = held_out ? solve(problem_of(set, split.train, options.how()), options).weights : fit.weights;
  out["evaluation"] = evaluate(set, held_out ? split.test : every, judged, static_cast<std::uint64_t>(options.seed));
  out["evaluation"]["held_out"] = held_out;
  out["learning_curve"] = held_out ? learning_curve(set, split.train, split.test, options, tick) : Json::array();
  return out;
}

}  // namespace beholder::checklist
