#include "core/cholesky.h"

#include <cmath>
#include <utility>

#include "core/error.h"

namespace beholder {

Cholesky::Cholesky(std::vector<double> a, std::size_t n) : l_(std::move(a)), n_(n) {
  for (std::size_t j = 0; j < n_; ++j) {
    for (std::size_t i = j; i < n_; ++i) {
      double sum = at(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      if (i == j) {
        require_internal(sum > 0, "a positive definite matrix");
        at(j, j) = std::sqrt(sum);
      } else {
        at(i, j) = sum / at(j, j);
      }
    }
  }
}

std::vector<double> Cholesky::solve(std::vector<double> b) const {
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= at(i, k) * b[k];
    b[i] /= at(i, i);
  }
  for (std::size_t i = n_; i-- > 0;) {  // row by row, as the matrix lies
    b[i] /= at(i, i);
    for (std::size_t k = 0; k < i; ++k) b[k] -= at(i, k) * b[i];
  }
  return b;
}

}  // namespace beholder
