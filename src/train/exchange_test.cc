#include "train/exchange.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

namespace beholder::train {
namespace {

// Rank 0 of two, the other of which has no gradients of its own; keeps how many elements were sent, in order.
class SentByOne : public dist::ProcessGroup {
 public:
  SentByOne() : ProcessGroup(0, 2) {}
  void sum(at::Tensor&) override {}
  std::unique_ptr<Pending> reduce(at::Tensor& tensor, int) override {
    sent.push_back(tensor.numel());
    return nullptr;
  }
  std::unique_ptr<Pending> start_broadcast(at::Tensor&, int) override { return nullptr; }
  std::vector<std::string> gather(const std::string& mine) override { return {mine, mine}; }
  void leave(const std::string&) override {}

  std::vector<std::int64_t> sent;
};

// One parameter a bucket, told apart by its size; by name, as a model's are.
struct SmallModel {
  std::vector<NamedParam> params;
  std::map<std::string, std::int64_t> size;

  SmallModel() {
    for (const char* name : {"lm_head.weight", "model.embed_tokens.weight", "model.layers.10.mlp.weight", "model.layers.2.mlp.weight",
                             "visual.blocks.0.mlp.weight", "visual.merger.mlp.weight"}) {
      size[name] = (80 << 10) + std::ssize(params);
      params.push_back({name, torch::ones({size[name]}).set_requires_grad(true)});
    }
  }
  at::Tensor& operator[](const std::string& name) {
    for (NamedParam& param : params)
      if (param.name == name) return param.value;
    throw std::out_of_range(name);
  }
  // As a forward pass uses them.
  at::Tensor loss() {
    at::Tensor x = torch::zeros({});
    for (const char* name : {"model.embed_tokens.weight", "visual.blocks.0.mlp.weight", "visual.merger.mlp.weight",
                             "model.layers.2.mlp.weight", "model.layers.10.mlp.weight", "lm_head.weight"})
      x = x + (*this)[name].sum();
    return x;
  }
  std::vector<std::int64_t> sizes(const std::vector<std::string>& names) const {
    std::vector<std::int64_t> out;
    for (const std::string& name : names) out.push_back(size.at(name));
    return out;
  }
};

TEST(GradientExchange, GradientsLeaveDuringTheBackwardPassAndAreThereOnce) {
  SentByOne group;
  SmallModel model;
  GradientExchange exchange(group, model.params);
  model.loss().backward();  // of an earlier micro-batch: stays
  EXPECT_TRUE(group.sent.empty());
  exchange.begin();
  model.loss().backward();
  EXPECT_EQ(group.sent, model.sizes({"lm_head.weight", "model.layers.10.mlp.weight", "model.layers.2.mlp.weight",
                                     "visual.merger.mlp.weight", "visual.blocks.0.mlp.weight", "model.embed_tokens.weight"}));
  for (const NamedParam& param : model.params) EXPECT_FALSE(param.value.grad().defined()) << param.name;
  exchange.finish();
  for (std::size_t i = 0; i < model.params.size(); ++i) {
    const at::Tensor& grad = model.params[i].value.grad();
    ASSERT_EQ(grad.defined(), exchange.is_mine(i)) << model.params[i].name;
    if (grad.defined()) {
      EXPECT_TRUE(grad.eq(2).all().item<bool>());
    }
  }
}

TEST(GradientExchange, AGeneratorsBlocksLeaveBeforeWhatAllOfThemHear) {
  SentByOne group;
  std::vector<NamedParam> params;
  const std::vector<std::string> forward = {"patch_embed.weight", "text.blocks.0.mlp.weight", "text.blocks.1.mlp.weight", "prompt.weight",
                                            "blocks.0.mlp.weight", "blocks.1.mlp.weight", "final.proj.weight"};
  at::Tensor loss = torch::zeros({});
  std::vector<std::int64_t> sizes;
  for (const std::string& name : forward) {
    sizes.insert(sizes.begin(), 100'000 + std::ssize(sizes));
    params.push_back({name, torch::ones({sizes.front()}).requires_grad_()});
    loss = loss + params.back().value.sum();
  }
  std::ranges::sort(params, {}, &NamedParam::name);
  GradientExchange exchange(group, params);
  exchange.begin();
  loss.backward();
  EXPECT_EQ(group.sent, sizes);
  exchange.finish();
}

// A checkpointed block that saw pictures and videos has a backward pass of its own for each.
TEST(GradientExchange, ATowerWhoseGradientsComeTwiceWaits) {
  SentByOne group;
  SmallModel model;
  GradientExchange exchange(group, model.params, /*gradient_checkpointing=*/true);
  exchange.begin();
  model.loss().backward();
  EXPECT_EQ(group.sent, model.sizes({"lm_head.weight", "model.layers.10.mlp.weight", "model.layers.2.mlp.weight"}));
  for (const char* name : {"visual.blocks.0.mlp.weight", "visual.merger.mlp.weight"}) {
    model[name].sum().backward();
    EXPECT_TRUE(model[name].grad().eq(2).all().item<bool>()) << name;
  }
  exchange.finish();
  EXPECT_EQ(group.sent.size(), 6U);
}

}  // namespace
}  // namespace beholder::train
