// Before every test of a room with tensors: torch's generator starts from a fixed seed. A C++ program seeds it from the system's
// entropy, so a test whose tolerance is close to what random numbers give would fail once in a while, on somebody else's machine.
#include <ATen/Context.h>
#include <gtest/gtest.h>

namespace {

struct Seed : testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { at::manual_seed(1); }
};

[[maybe_unused]] const bool registered = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Seed);
  return true;
}();

}  // namespace
