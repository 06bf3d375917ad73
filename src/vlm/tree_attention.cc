#include "vlm/tree_attention.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "vlm/tree_loops.h"
#include "vlm/vector_math.h"

namespace beholder::vlm {
namespace {

constexpr std::int64_t kBlockRows = 48;                      // query rows at a time, a multiple of the loops' six
constexpr std::int64_t kBlockBytes = std::int64_t{1} << 19;  // of their scores

constexpr std::int64_t kMostSlices = 16;  // each has gradients of its own for all keys and values

std::int64_t rounded(std::int64_t n) {
  return (n + kWidth - 1) / kWidth * kWidth;
}

// Keys or values of one call in float32, by key head: row by row [K, T, D], and turned round [K, D, columns], both with room behind, so
// that whole registers may be read past an end. D is the head size, rounded up; what is added is 0.
struct Packed {
  at::Tensor rows_KTD{}, columns_KDC{};
  Packed(const at::Tensor& x_TKd, bool rows, bool columns) {
    const std::int64_t t = x_TKd.size(0), heads = x_TKd.size(1), d = x_TKd.size(2), room = rounded(d);
    if (rows) {
      rows_KTD = at::zeros({heads, t, room}, at::kFloat);
      rows_KTD.narrow(2, 0, d).copy_(x_TKd.transpose(0, 1));
    }
    if (!columns) return;
    columns_KDC = at::zeros({heads, room, rounded(t) + kWidth + 16}, at::kFloat);
    columns_KDC.narrow(1, 0, d).narrow(2, 0, t).copy_(x_TKd.permute({1, 2, 0}));
  }
};

// Query rows of one run that share a key head, in the order of their tokens, a token's heads one after the other.
struct Block {
  const AttentionRun* run;
  std::int64_t first, count;
};

class Work {
 public:
  Work(const at::Tensor& q, std::int64_t key_heads, const std::vector<AttentionRun>& runs)
      : query_heads_(q.size(1)), key_heads_(key_heads), fold_(query_heads_ / key_heads), d_(q.size(2)) {
    for (const AttentionRun& run : runs) {
      const std::int64_t rows = run.own.length * fold_;
      const std::int64_t fit = kBlockBytes / static_cast<std::int64_t>(sizeof(float)) / width_of(run) / 6 * 6;
      const std::int64_t most = std::clamp<std::int64_t>(fit, 6, kBlockRows);
      scores_ = std::max(scores_, std::min(most, rows) * width_of(run));
      for (std::int64_t first = 0; first < rows; first += most) blocks_.push_back({&run, first, std::min(most, rows - first)});
    }
    // Where key heads do not go up in threads, the blocks of one are shared out, so far that all threads have as much.
    const std::int64_t threads = at::get_num_threads();
    slices_ = std::min({threads / std::gcd(threads, key_heads), kMostSlices, std::max<std::int64_t>(1, std::ssize(blocks_))});
  }

  std::int64_t slices() const { return slices_; }
  std::int64_t scores() const { return scores_; }  // of a block, at most
  std::int64_t room() const { return rounded(d_); }

  template <class Each>  // (key head, slice, block)
  void parallel(const Each& each) const {
    at::parallel_for(0, key_heads_ * slices_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part) each(part / slices_, part % slices_);
    });
  }
  const std::vector<Block>& blocks() const { return blocks_; }

  std::int64_t token(const Block& b, std::int64_t row) const { return b.run->own.begin + (b.first + row) / fold_; }
  std::int64_t head(const Block& b, std::int64_t key_head, std::int64_t row) const { return key_head * fold_ + (b.first + row) % fold_; }
  // Where a row's query, output or gradient lies in [T, H, d].
  std::int64_t place(const Block& b, std::int64_t key_head, std::int64_t row) const {
    return (token(b, row) * query_heads_ + head(b, key_head, row)) * d_;
  }
  // What the rows of a block see: the last span is their own, as far as the last of them sees it.
  std::vector<RowSpan> seen(const Block& b) const {
    std::vector<RowSpan> spans = b.run->before;
    const std::int64_t last = (b.first + b.count - 1) / fold_ + 1;
    spans.push_back({b.run->own.begin, b.run->causal ? last : b.run->own.length});
    return spans;
  }

 private:
  static std::int64_t width_of(const AttentionRun& run) {
    std::int64_t width = rounded(run.own.length);
    for (const RowSpan& span : run.before) width += rounded(span.length);
    return width;
  }

  std::int64_t query_heads_, key_heads_, fold_, d_, slices_ = 1, scores_ = 0;
  std::vector<Block> blocks_;
};

// The rows of a block in float32 [count, room], times `scale`.
void gather(const at::Tensor& x_THd, const Work& work, const Block& b, std::int64_t key_head, float scale, std::vector<float>& out) {
  const std::int64_t d = x_THd.size(2), room = work.room();
  std::fill(out.begin(), out.end(), 0.0f);
  const auto copy = [&](const auto* from) {
    for (std::int64_t r = 0; r < b.count; ++r) {
      const auto* row = from + work.place(b, key_head, r);
      for (std::int64_t i = 0; i < d; ++i) out[static_cast<std::size_t>(r * room + i)] = static_cast<float>(row[i]) * scale;
    }
  };
  if (x_THd.scalar_type() == at::kBFloat16)
    copy(x_THd.const_data_ptr<at::BFloat16>());
  else
    copy(x_THd.const_data_ptr<float>());
}

// Rows times the columns of all spans, one span beside the other: [count, sum of rounded lengths], which is the width.
std::int64_t times_columns(const std::vector<float>& rows, const Work& work, const Block& b, const std::vector<RowSpan>& spans,
                           const at::Tensor& columns_DC, float* out) {
  std::int64_t width = 0, at = 0;
  for (const RowSpan& span : spans) width += rounded(span.length);
  std::fill(out, out + b.count * width, 0.0f);
  for (const RowSpan& span : spans) {
    multiply_add(b.count, rounded(span.length), work.room(), {rows.data(), work.room(), 1}, columns_DC.const_data_ptr<float>() + span.begin,
                 columns_DC.stride(0), out + at, width);
    at += rounded(span.length);
  }
  return width;
}

void hide(const Work& work, const Block& b, const std::vector<RowSpan>& spans, std::int64_t width, float* scores) {
  for (std::int64_t r = 0; r < b.count; ++r) {
    float* row = scores + r * width;
    std::int64_t at = 0;
    for (const RowSpan& span : spans) {
      const bool own = &span == &spans.back();
      const std::int64_t seen = own && b.run->causal ? work.token(b, r) - span.begin + 1 : span.length;
      std::fill(row + at + seen, row + at + rounded(span.length), kNothing);
      at += rounded(span.length);
    }
  }
}

// out [count, room] += shares times the rows of all spans.
void times_rows(const float* shares, std::int64_t width, const Work& work, const Block& b, const std::vector<RowSpan>& spans,
                const at::Tensor& rows_TD, float* out) {
  std::int64_t at = 0;
  for (const RowSpan& span : spans) {
    multiply_add(b.count, work.room(), span.length, {shares + at, width, 1}, rows_TD.const_data_ptr<float>() + span.begin * work.room(),
                 work.room(), out, work.room());
    at += rounded(span.length);
  }
}

// The rows of all spans [.., room] += shares turned round times a block's rows.
void times_block(const float* shares, std::int64_t width, const Work& work, const Block& b, const std::vector<RowSpan>& spans,
                 const std::vector<float>& rows, float* out_TD) {
  std::int64_t at = 0;
  for (const RowSpan& span : spans) {
    multiply_add(span.length, work.room(), b.count, {shares + at, 1, width}, rows.data(), work.room(), out_TD + span.begin * work.room(),
                 work.room());
    at += rounded(span.length);
  }
}

std::vector<float> space(std::int64_t floats) {
  return std::vector<float>(static_cast<std::size_t>(floats));
}

float scale_of(const at::Tensor& q) {
  return 1.0f / std::sqrt(static_cast<float>(q.size(2)));
}

// Mixed values [T,H,d] in float32, and the scores' log sum exp [T,H].
std::pair<at::Tensor, at::Tensor> mix(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const std::vector<AttentionRun>& runs) {
  const Work work(q, k.size(1), runs);
  const Packed keys(k, false, true), values(v, true, false);
  at::Tensor out = at::zeros(q.sizes(), at::kFloat), lse = at::zeros({q.size(0), q.size(1)}, at::kFloat);
  float *out_data = out.data_ptr<float>(), *lse_data = lse.data_ptr<float>();
  work.parallel([&](std::int64_t key_head, std::int64_t slice) {
    std::vector<float> rows = space(kBlockRows * work.room()), scores = space(work.scores()), mixed = rows;
    for (std::int64_t i = slice; i < std::ssize(work.blocks()); i += work.slices()) {
      const Block& b = work.blocks()[static_cast<std::size_t>(i)];
      const std::vector<RowSpan> spans = work.seen(b);
      gather(q, work, b, key_head, scale_of(q), rows);
      const std::int64_t width = times_columns(rows, work, b, spans, keys.columns_KDC[key_head], scores.data());
      hide(work, b, spans, width, scores.data());
      for (std::int64_t r = 0; r < b.count; ++r)
        lse_data[work.place(b, key_head, r) / q.size(2)] = softmax_row(scores.data() + r * width, width);
      std::fill(mixed.begin(), mixed.end(), 0.0f);
      times_rows(scores.data(), width, work, b, spans, values.rows_KTD[key_head], mixed.data());
      for (std::int64_t r = 0; r < b.count; ++r)
        std::copy_n(mixed.data() + r * work.room(), q.size(2), out_data + work.place(b, key_head, r));
    }
  });
  return {out, lse};
}

class TreeAttention : public torch::autograd::Function<TreeAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            AttentionRuns runs) {
    const auto [wide, lse] = mix(q, k, v, *runs);
    const at::Tensor out = wide.to(q.scalar_type());
    context->save_for_backward({q, k, v, out, lse});
    context->saved_data["runs"] = at::IValue::make_capsule(c10::make_intrusive<Kept>(std::move(runs)));
    return out;
  }

  // Scores are computed again (FlashAttention, arXiv 2205.14135): with P the shares and G = dL/dP, dL/dS = P (G - delta), where delta, the
  // row's sum of P G, is that of output times its gradient.
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list upstream) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &lse = saved[4];
    const AttentionRuns runs = c10::static_intrusive_pointer_cast<Kept>(context->saved_data["runs"].toCapsule())->runs;
    const at::Tensor gradient = upstream[0].to(q.scalar_type()).contiguous();
    const at::Tensor delta = (out.to(at::kFloat) * gradient.to(at::kFloat)).sum(-1).contiguous();  // [T,H]
    const Work work(q, k.size(1), *runs);
    const Packed keys(k, true, true), values(v, false, true);
    const std::int64_t heads = k.size(1), t = k.size(0), room = work.room(), d = q.size(2);
    at::Tensor grad_q = at::zeros(q.sizes(), at::kFloat), grad_kv = at::zeros({work.slices(), heads, 2, t, room}, at::kFloat);
    float* grad_q_data = grad_q.data_ptr<float>();
    const float scale = scale_of(q);
    work.parallel([&](std::int64_t key_head, std::int64_t slice) {
      std::vector<float> rows = space(kBlockRows * room), grads = rows, back = rows, shares = space(work.scores()), g = shares;
      float *grad_k = grad_kv.data_ptr<float>() + (slice * heads + key_head) * 2 * t * room, *grad_v = grad_k + t * room;
      for (std::int64_t i = slice; i < std::ssize(work.blocks()); i += work.slices()) {
        const Block& b = work.blocks()[static_cast<std::size_t>(i)];
        const std::vector<RowSpan> spans = work.seen(b);
        gather(q, work, b, key_head, scale, rows);
        gather(gradient, work, b, key_head, 1, grads);
        const std::int64_t width = times_columns(rows, work, b, spans, keys.columns_KDC[key_head], shares.data());
        hide(work, b, spans, width, shares.data());
        times_columns(grads, work, b, spans, values.columns_KDC[key_head], g.data());
        for (std::int64_t r = 0; r < b.count; ++r) {
          const std::int64_t at = work.place(b, key_head, r) / d;
          probabilities(shares.data() + r * width, width, lse.const_data_ptr<float>()[at]);
          score_gradients(shares.data() + r * width, g.data() + r * width, width, delta.const_data_ptr<float>()[at]);
        }
        times_block(shares.data(), width, work, b, spans, grads, grad_v);
        times_block(g.data(), width, work, b, spans, rows, grad_k);
        std::fill(back.begin(), back.end(), 0.0f);
        times_rows(g.data(), width, work, b, spans, keys.rows_KTD[key_head], back.data());
        for (std::int64_t r = 0; r < b.count; ++r)
          for (std::int64_t j = 0; j < d; ++j)
            grad_q_data[work.place(b, key_head, r) + j] = scale * back[static_cast<std::size_t>(r * room + j)];
      }
    });
    const at::Tensor summed = (work.slices() == 1 ? grad_kv[0] : grad_kv.sum(0)).narrow(-1, 0, d);  // [K,2,T,d]
    const auto of = [&](std::int64_t which) { return summed.select(1, which).transpose(0, 1).to(k.scalar_type()).contiguous(); };
    return {grad_q.to(q.scalar_type()), of(0), of(1), at::Tensor()};
  }

 private:
  struct Kept : torch::CustomClassHolder {
    explicit Kept(AttentionRuns r) : runs(std::move(r)) {}
    AttentionRuns runs;
  };
};

}  // namespace

bool takes_tree_attention(const at::Tensor& q) {
  return has_tree_loops() && q.is_cpu() && (q.scalar_type() == at::kFloat || q.scalar_type() == at::kBFloat16);
}

at::Tensor tree_attention(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionRuns& runs) {
  const at::Tensor out = TreeAttention::apply(q_THd.contiguous(), k_TKd.contiguous(), v_TKd.contiguous(), runs);
  return out.reshape({out.size(0), -1});
}

}  // namespace beholder::vlm
