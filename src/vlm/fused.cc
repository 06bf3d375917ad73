#include "vlm/fused.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cmath>

#include "vlm/clones.h"
#include "vlm/loops.h"

namespace beholder::vlm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr std::int64_t kGrain = 64;  // rows per task

template <class T>
BEHOLDER_INLINE void norm_loop(const T* x, const T* w, T* y, float* scale, std::int64_t rows, std::int64_t d, float eps) {
  for (std::int64_t r = 0; r < rows; ++r, x += d, y += d) {
    float sum = 0;
    for (std::int64_t i = 0; i < d; ++i) sum += wide(x[i]) * wide(x[i]);
    const float s = 1.0f / std::sqrt(sum / static_cast<float>(d) + eps);
    scale[r] = s;
    for (std::int64_t i = 0; i < d; ++i) {
      T normed;  // rounded before the weight, as the published models are
      narrow(normed, wide(x[i]) * s);
      narrow(y[i], wide(normed) * wide(w[i]));
    }
  }
}

// dx = s * (g w - x s^2 mean(g w x)); dw += g x s.
template <class T>
BEHOLDER_INLINE void norm_backward_loop(const T* x, const T* w, const float* scale, const T* g, T* dx, float* dw, std::int64_t rows,
                                        std::int64_t d) {
  for (std::int64_t r = 0; r < rows; ++r, x += d, g += d, dx += d) {
    const float s = scale[r];
    float dot = 0;
    for (std::int64_t i = 0; i < d; ++i) dot += wide(g[i]) * wide(w[i]) * wide(x[i]);
    const float c = dot * s * s / static_cast<float>(d);
    for (std::int64_t i = 0; i < d; ++i) {
      narrow(dx[i], s * (wide(g[i]) * wide(w[i]) - wide(x[i]) * c));
      dw[i] += wide(g[i]) * wide(x[i]) * s;
    }
  }
}

template <class T>
BEHOLDER_INLINE void rotate_loop(const T* x, const T* cos, const T* sin, T* y, std::int64_t rows, std::int64_t heads, std::int64_t half,
                                 std::int64_t row_stride, float sign) {
  for (std::int64_t r = 0; r < rows; ++r, x += row_stride, cos += half, sin += half)
    for (std::int64_t h = 0; h < heads; ++h, y += 2 * half) {
      const T* in = x + h * 2 * half;
      for (std::int64_t i = 0; i < half; ++i) {
        const float a = wide(in[i]), b = wide(in[half + i]), c = wide(cos[i]), s = sign * wide(sin[i]);
        narrow(y[i], a * c - b * s);
        narrow(y[half + i], b * c + a * s);
      }
    }
}

// One clone per type: attributes do not reach through templates.
#define BEHOLDER_LOOPS(T)                                                                                                         \
  BEHOLDER_FAST_CLONES void norm_rows(const T* x, const T* w, T* y, float* scale, std::int64_t rows, std::int64_t d, float eps) { \
    norm_loop(x, w, y, scale, rows, d, eps);                                                                                      \
  }                                                                                                                               \
  BEHOLDER_FAST_CLONES void norm_rows_backward(const T* x, const T* w, const float* scale, const T* g, T* dx, float* dw,          \
                                               std::int64_t rows, std::int64_t d) {                                               \
    norm_backward_loop(x, w, scale, g, dx, dw, rows, d);                                                                          \
  }                                                                                                                               \
  BEHOLDER_FAST_CLONES void rotate_rows(const T* x, const T* cos, const T* sin, T* y, std::int64_t rows, std::int64_t heads,      \
                                        std::int64_t half, std::int64_t row_stride, float sign) {                                 \
    rotate_loop(x, cos, sin, y, rows, heads, half, row_stride, sign);                                                             \
  }
BEHOLDER_LOOPS(float)
BEHOLDER_LOOPS(c10::BFloat16)

bool has_loop(const at::Tensor& x, const at::Tensor& other) {
  return x.is_cpu() && x.scalar_type() == other.scalar_type() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in, const at::Tensor& w, double eps) {
    const at::Tensor x = x_in.contiguous();
    const std::int64_t d = x.size(-1), rows = x.numel() / d;
    at::Tensor y = at::empty_like(x), scale = at::empty({rows}, x.options().dtype(at::kFloat));
    float* ps = scale.data_ptr<float>();
    typed(x, [&](auto type) {
      using T = decltype(type);
      const T *px = x.data_ptr<T>(), *pw = w.data_ptr<T>();
      T* py = y.data_ptr<T>();
      at::parallel_for(0, rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
        norm_rows(px + begin * d, pw, py + begin * d, ps + begin, end - begin, d, static_cast<float>(eps));
      });
    });
    context->save_for_backward({x, w, scale});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], g = gradients[0].contiguous();
    const std::int64_t d = x.size(-1), rows = x.numel() / d;
    // Fixed slices, added up in order: the sum does not depend on which thread was first.
    const std::int64_t slices = std::min<std::int64_t>(16, (rows + kGrain - 1) / kGrain),
                       step = (rows + slices - 1) / std::max<std::int64_t>(slices, 1);
    at::Tensor dx = at::empty_like(x), parts = at::zeros({slices, d}, saved[2].options());
    const float* ps = saved[2].data_ptr<float>();
    float* pdw = parts.data_ptr<float>();
    typed(x, [&](auto type) {
      using T = decltype(type);
      const T *px = x.data_ptr<T>(), *pw = w.data_ptr<T>(), *pg = g.data_ptr<T>();
      T* pdx = dx.data_ptr<T>();
      at::parallel_for(0, slices, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t s = first; s < last; ++s) {
          const std::int64_t begin = s * step, end = std::min(rows, begin + step);
          if (begin < end) norm_rows_backward(px + begin * d, pw, ps + begin, pg + begin * d, pdx + begin * d, pdw + s * d, end - begin, d);
        }
      });
    });
    return {dx, parts.sum(0).to(w.scalar_type()), at::Tensor()};
  }
};

at::Tensor rotated(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, float sign) {
  const std::int64_t rows = x.size(0), heads = x.size(1), half = x.size(2) / 2;
  const bool dense_rows = x.stride(2) == 1 && x.stride(1) == x.size(2);  // a slice of a fused projection is fine
  const at::Tensor source = dense_rows ? x : x.contiguous();
  const std::int64_t stride = source.stride(0);
  at::Tensor y = at::empty(x.sizes(), x.options());
  typed(x, [&](auto type) {
    using T = decltype(type);
    const T *px = source.data_ptr<T>(), *pc = cos.data_ptr<T>(), *psin = sin.data_ptr<T>();
    T* py = y.data_ptr<T>();
    at::parallel_for(0, rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
      rotate_rows(px + begin * stride, pc + begin * half, psin + begin * half, py + begin * heads * 2 * half, end - begin, heads, half,
                  stride, sign);
    });
  });
  return y;
}

class RotatePairs : public torch::autograd::Function<RotatePairs> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
    context->save_for_backward({cos, sin});
    return rotated(x, cos, sin, 1.0f);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {  // the turn back
    const auto saved = context->get_saved_variables();
    return {rotated(gradients[0], saved[0], saved[1], -1.0f), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_normalise(const at::Tensor& x, const at::Tensor& w, double eps) {
  if (has_loop(x, w)) return RmsNorm::apply(x, w.contiguous(), eps);
  const at::Tensor wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  return (wide * at::rsqrt(wide.square().mean(-1, true) + eps)).to(x.scalar_type()) * w;
}

at::Tensor rotate_pairs(const at::Tensor& x_Thd, const at::Tensor& cos, const at::Tensor& sin) {
  if (has_loop(x_Thd, cos)) return RotatePairs::apply(x_Thd, cos.contiguous(), sin.contiguous());
  const std::int64_t half = x_Thd.size(-1) / 2;
  const at::Tensor x = x_Thd.to(cos.scalar_type()), c = cos.unsqueeze(1), s = sin.unsqueeze(1);
  const at::Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  return at::cat({a * c - b * s, b * c + a * s}, -1).to(x_Thd.scalar_type());
}

}  // namespace beholder::vlm
