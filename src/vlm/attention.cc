#include "vlm/attention.h"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace beholder::vlm {
namespace {

// A sequence of queries and the keys it sees before its own rows.
struct Run {
  std::int64_t begin, length;
  int parent;  // segment whose whole chain is visible; -1: none
};

constexpr double kLeastFill = 0.8;  // sequences share a batch when the shorter fills this much of the longer

at::Tensor row_table(const std::vector<Run>& runs, const std::vector<std::int64_t>& before, std::int64_t longest, at::Device device) {
  const auto width = static_cast<std::int64_t>(before.size()) + longest;
  at::Tensor table = at::empty({static_cast<std::int64_t>(runs.size()), width}, at::kLong);
  std::int64_t* out = table.data_ptr<std::int64_t>();
  for (const Run& run : runs) {
    out = std::copy(before.begin(), before.end(), out);
    for (std::int64_t i = 0; i < longest; ++i) *out++ = run.begin + std::min(i, run.length - 1);
  }
  return table.to(device);
}

// Every key of the prefix, and the own keys up to the query.
at::Tensor suffix_mask(std::int64_t prefix, std::int64_t longest, at::Device device) {
  const at::Tensor own = at::ones({longest, longest}, at::TensorOptions(device).dtype(at::kBool)).tril();
  return at::cat({at::ones({longest, prefix}, own.options()), own}, 1);
}

std::vector<std::int64_t> chain_rows(std::span<const Span> spans, int segment) {
  if (segment < 0) return {};
  std::vector<std::int64_t> rows = chain_rows(spans, spans[static_cast<std::size_t>(segment)].parent);
  const Span& span = spans[static_cast<std::size_t>(segment)];
  rows.resize(rows.size() + static_cast<std::size_t>(span.length));
  std::iota(rows.end() - span.length, rows.end(), span.begin);
  return rows;
}

// Splits runs (all with the same ancestors) into groups of similar length and adds them to the plan.
void add_groups(AttentionPlan& plan, std::vector<std::int64_t>& order, std::vector<Run> runs, const std::vector<std::int64_t>& before,
                double least_fill, bool causal, at::Device device) {
  std::stable_sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.length > b.length; });
  for (std::size_t first = 0; first < runs.size();) {
    std::size_t last = first;
    const std::int64_t longest = runs[first].length;
    while (last < runs.size() && static_cast<double>(runs[last].length) >= least_fill * static_cast<double>(longest)) ++last;
    const std::vector<Run> chosen(runs.begin() + static_cast<std::ptrdiff_t>(first), runs.begin() + static_cast<std::ptrdiff_t>(last));
    AttentionGroup group;
    group.query_BL = row_table(chosen, {}, longest, device);
    group.key_BS = before.empty() ? group.query_BL : row_table(chosen, before, longest, device);
    group.causal = causal && before.empty();
    if (causal && !before.empty()) group.mask_LS = suffix_mask(static_cast<std::int64_t>(before.size()), longest, device);
    for (const Run& run : chosen)
      for (std::int64_t i = 0; i < longest; ++i) order.push_back(i < run.length ? run.begin + i : -1);
    plan.groups.push_back(std::move(group));
    first = last;
  }
}

// order[j] = row that position j of the concatenated groups computes (-1: padding) -> position of each row.
void finish(AttentionPlan& plan, const std::vector<std::int64_t>& order, at::Device device) {
  const auto rows = static_cast<std::int64_t>(std::count_if(order.begin(), order.end(), [](std::int64_t r) { return r >= 0; }));
  bool in_order = rows == static_cast<std::int64_t>(order.size());
  for (std::size_t j = 0; in_order && j < order.size(); ++j) in_order = order[j] == static_cast<std::int64_t>(j);
  if (in_order) {
    if (plan.groups.size() == 1 && plan.groups[0].query_BL.size(1) == plan.groups[0].key_BS.size(1)) plan.groups[0].contiguous = true;
    return;
  }
  at::Tensor where = at::empty({rows}, at::kLong);
  std::int64_t* out = where.data_ptr<std::int64_t>();
  for (std::size_t j = 0; j < order.size(); ++j)
    if (order[j] >= 0) out[order[j]] = static_cast<std::int64_t>(j);
  plan.output_T = where.to(device);
}

// x [T, h, d] -> [B, h, L, d]. Embedding look-up, because its backward is a fast scatter-add.
at::Tensor gather(const at::Tensor& x, const at::Tensor& rows_BL, bool contiguous) {
  const std::int64_t heads = x.size(1), d = x.size(2), b = rows_BL.size(0), l = rows_BL.size(1);
  const at::Tensor flat = x.reshape({x.size(0), heads * d});
  const at::Tensor picked = contiguous ? flat : at::embedding(flat, rows_BL);
  return picked.view({b, l, heads, d}).transpose(1, 2);
}

}  // namespace

AttentionPlan plan_tree(std::span<const Span> spans, at::Device device) {
  std::map<int, std::vector<Run>> by_parent;
  for (const Span& span : spans)
    if (span.length > 0) by_parent[span.parent].push_back({span.begin, span.length, span.parent});
  AttentionPlan plan;
  std::vector<std::int64_t> order;
  for (auto& [parent, runs] : by_parent) add_groups(plan, order, std::move(runs), chain_rows(spans, parent), kLeastFill, true, device);
  finish(plan, order, device);
  return plan;
}

AttentionPlan plan_blocks(std::span<const std::int64_t> lengths, at::Device device) {
  std::vector<Run> runs;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    if (length > 0) runs.push_back({begin, length, -1});
    begin += length;
  }
  AttentionPlan plan;
  std::vector<std::int64_t> order;
  add_groups(plan, order, std::move(runs), {}, 1.0, false, device);
  finish(plan, order, device);
  return plan;
}

at::Tensor attend(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionPlan& plan) {
  const std::int64_t width = q_THd.size(1) * q_THd.size(2);
  const bool gqa = q_THd.size(1) != k_TKd.size(1);
  std::vector<at::Tensor> parts;
  for (const AttentionGroup& group : plan.groups) {
    const at::Tensor q = gather(q_THd, group.query_BL, group.contiguous);
    const at::Tensor k = gather(k_TKd, group.key_BS, group.contiguous);
    const at::Tensor v = gather(v_TKd, group.key_BS, group.contiguous);
    std::optional<at::Tensor> mask;
    if (group.mask_LS.defined()) mask = group.mask_LS;
    const at::Tensor out = at::scaled_dot_product_attention(q, k, v, mask, 0.0, group.causal, std::nullopt, gqa);
    parts.push_back(out.transpose(1, 2).reshape({-1, width}));
  }
  const at::Tensor all = parts.size() == 1 ? parts[0] : at::cat(parts);
  return plan.output_T.defined() ? at::embedding(all, plan.output_T) : all;
}

}  // namespace beholder::vlm
