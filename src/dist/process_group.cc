#include "dist/process_group.h"

#include <ATen/ops/full.h>

namespace beholder::dist {
namespace {

class Alone : public ProcessGroup {
 public:
  Alone() : ProcessGroup(0, 1) {}
  void sum(at::Tensor&) override {}
  std::unique_ptr<Pending> reduce(at::Tensor&, int) override { return nullptr; }
  std::unique_ptr<Pending> start_broadcast(at::Tensor&, int) override { return nullptr; }
  std::vector<std::string> gather(const std::string& mine) override { return {mine}; }
  void leave(const std::string&) override {}
};

}  // namespace

double ProcessGroup::sum(double value) {
  if (is_alone()) return value;
  at::Tensor tensor = at::full({1}, value, at::kDouble);
  sum(tensor);
  return tensor.item<double>();
}

void ProcessGroup::broadcast(at::Tensor& tensor, int root) {
  if (const auto pending = start_broadcast(tensor, root)) pending->wait();
}

ProcessGroup& alone() {
  static Alone group;
  return group;
}

}  // namespace beholder::dist
