#include "vlm/attention.h"

#include <torch/types.h>

#include <algorithm>
#include <map>

namespace beholder::vlm {
namespace {

constexpr double kLeastFill = 0.8;  // sequences share a batch when the shorter fills this much of the longer

at::Tensor row_table(const std::vector<RowSpan>& runs, const std::vector<std::int64_t>& before, std::int64_t longest, at::Device device) {
  const auto width = static_cast<std::int64_t>(before.size()) + longest;
  at::Tensor table = at::empty({static_cast<std::int64_t>(runs.size()), width}, at::kLong);
  std::int64_t* out = table.data_ptr<std::int64_t>();
  for (const RowSpan& run : runs) {
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

std::vector<std::int64_t> rows_of(const std::vector<RowSpan>& spans) {
  std::vector<std::int64_t> rows;
  for (const RowSpan& span : spans)
    for (std::int64_t i = 0; i < span.length; ++i) rows.push_back(span.begin + i);
  return rows;
}

// Splits runs (all with the same ancestors) into groups of similar length and adds them.
void add_groups(AttentionTables& tables, std::vector<std::int64_t>& order, std::vector<RowSpan> runs,
                const std::vector<std::int64_t>& before, double least_fill, bool causal, at::Device device) {
  std::stable_sort(runs.begin(), runs.end(), [](const RowSpan& a, const RowSpan& b) { return a.length > b.length; });
  for (std::size_t first = 0; first < runs.size();) {
    std::size_t last = first;
    const std::int64_t longest = runs[first].length;
    while (last < runs.size() && static_cast<double>(runs[last].length) >= least_fill * static_cast<double>(longest)) ++last;
    const std::vector<RowSpan> chosen(runs.begin() + static_cast<std::ptrdiff_t>(first), runs.begin() + static_cast<std::ptrdiff_t>(last));
    AttentionGroup group;
    group.query_BL = row_table(chosen, {}, longest, device);
    group.key_BS = before.empty() ? group.query_BL : row_table(chosen, before, longest, device);
    group.causal = causal && before.empty();
    if (causal && !before.empty()) group.mask_LS = suffix_mask(static_cast<std::int64_t>(before.size()), longest, device);
    for (const RowSpan& run : chosen)
      for (std::int64_t i = 0; i < longest; ++i) order.push_back(i < run.length ? run.begin + i : -1);
    tables.groups.push_back(std::move(group));
    first = last;
  }
}

// order[j] = row that position j of the concatenated groups computes (-1: padding) -> position of each row.
void finish(AttentionTables& plan, const std::vector<std::int64_t>& order, at::Device device) {
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

std::vector<RowSpan> ancestors(std::span<const Span> spans, int segment) {
  std::vector<RowSpan> out;
  for (; segment >= 0; segment = spans[static_cast<std::size_t>(segment)].parent)
    out.push_back({spans[static_cast<std::size_t>(segment)].begin, spans[static_cast<std::size_t>(segment)].length});
  std::reverse(out.begin(), out.end());
  return out;
}

at::Tensor attend_by_tables(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionTables& tables) {
  const std::int64_t width = q_THd.size(1) * q_THd.size(2);
  const bool gqa = q_THd.size(1) != k_TKd.size(1);
  std::vector<at::Tensor> parts;
  for (const AttentionGroup& group : tables.groups) {
    const at::Tensor q = gather(q_THd, group.query_BL, group.contiguous);
    at::Tensor k = gather(k_TKd, group.key_BS, group.contiguous);
    at::Tensor v = gather(v_TKd, group.key_BS, group.contiguous);
    std::optional<at::Tensor> mask;
    if (group.mask_LS.defined()) mask = group.mask_LS;
    const bool repeat = gqa && mask;  // on a GPU no kernel takes a mask and shared key heads but the one that keeps all scores
    if (repeat) k = k.repeat_interleave(q.size(1) / k.size(1), 1), v = v.repeat_interleave(q.size(1) / v.size(1), 1);
    const at::Tensor out = at::scaled_dot_product_attention(q, k, v, mask, 0.0, group.causal, std::nullopt, gqa && !repeat);
    parts.push_back(out.transpose(1, 2).reshape({-1, width}));
  }
  const at::Tensor all = parts.size() == 1 ? parts[0] : at::cat(parts);
  return tables.output_T.defined() ? at::embedding(all, tables.output_T) : all;
}

}  // namespace

AttentionPlan::AttentionPlan(std::vector<AttentionRun> runs, double least_fill, at::Device device)
    : kept_(std::make_shared<Kept>(Kept{std::move(runs), least_fill, device, std::nullopt})) {}

const AttentionTables& AttentionPlan::tables() const {
  if (kept_->tables) return *kept_->tables;
  std::map<std::vector<RowSpan>, std::vector<RowSpan>> by_ancestors;
  bool causal = false;
  for (const AttentionRun& run : kept_->runs) {
    by_ancestors[run.before].push_back(run.own);
    causal = run.causal;  // the same for all
  }
  AttentionTables tables;
  std::vector<std::int64_t> order;
  for (auto& [before, runs] : by_ancestors)
    add_groups(tables, order, std::move(runs), rows_of(before), kept_->least_fill, causal, kept_->device);
  finish(tables, order, kept_->device);
  kept_->tables = std::move(tables);
  return *kept_->tables;
}

AttentionPlan plan_tree(std::span<const Span> spans, at::Device device) {
  std::vector<AttentionRun> runs;
  for (const Span& span : spans)
    if (span.length > 0) runs.push_back({.own = {span.begin, span.length}, .causal = true, .before = ancestors(spans, span.parent)});
  return {std::move(runs), kLeastFill, device};
}

AttentionPlan plan_blocks(std::span<const std::int64_t> lengths, at::Device device) {
  std::vector<AttentionRun> runs;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    if (length > 0) runs.push_back({.own = {begin, length}});
    begin += length;
  }
  return {std::move(runs), 1.0, device};
}

at::Tensor attend(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionPlan& plan) {
  if (takes_tree_attention(q_THd)) return tree_attention(q_THd, k_TKd, v_TKd, plan.runs());
  return attend_by_tables(q_THd, k_TKd, v_TKd, plan.tables());
}

}  // namespace beholder::vlm
