// Dense symmetric positive definite systems, small ones: row-major n x n, Cholesky's factorisation in double precision.
#pragma once

#include <cstddef>
#include <vector>

namespace beholder {

class Cholesky {
 public:
  // kInternal for a matrix that is not positive definite. Reads the lower triangle.
  Cholesky(std::vector<double> a, std::size_t n);
  // x with A x = b.
  std::vector<double> solve(std::vector<double> b) const;

 private:
  double& at(std::size_t i, std::size_t j) { return l_[i * n_ + j]; }
  double at(std::size_t i, std::size_t j) const { return l_[i * n_ + j]; }
  std::vector<double> l_;
  std::size_t n_;
};

}  // namespace beholder
