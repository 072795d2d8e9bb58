#include "models/pooling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

namespace telltale::models {
namespace {

TEST(PoolRelu, IsThePoolOfTheReluBitForBitWithItsGradient) {
  torch::manual_seed(5);
  for (const auto& size :
       std::vector<std::vector<std::int64_t>>{{3, 5, 6, 8}, {2, 32, 7, 9}, {1, 1, 2, 2}, {2, 17, 5, 4}}) {
    // Few distinct values, so that windows have equal maxima and zeros.
    const at::Tensor values = torch::randint(-3, 3, size).to(at::kFloat) / 2;
    at::Tensor ours = values.contiguous(at::MemoryFormat::ChannelsLast).clone().requires_grad_();
    at::Tensor theirs = values.clone().requires_grad_();
    const at::Tensor pooled = pool_relu(ours);
    const at::Tensor expected = torch::max_pool2d(torch::relu(theirs), 2);
    EXPECT_TRUE(torch::equal(pooled, expected));
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(torch::equal(pool_relu(values), expected));
  }
}

TEST(PoolRelu, GradientGoesToTheFirstLargestOrNowhere) {
  at::Tensor maps = torch::tensor({{1.F, 2.F, -1.F, -2.F, 9.F}, {2.F, 0.F, -3.F, -4.F, 9.F}}).view({1, 1, 2, 5});
  maps.requires_grad_();
  const at::Tensor pooled = pool_relu(maps);
  EXPECT_TRUE(torch::equal(pooled, torch::tensor({2.F, 0.F}).view({1, 1, 1, 2})));
  (pooled * torch::tensor({3.F, 5.F}).view({1, 1, 1, 2})).sum().backward();
  EXPECT_TRUE(torch::equal(maps.grad(),
                           torch::tensor({{0.F, 3.F, 0.F, 0.F, 0.F}, {0.F, 0.F, 0.F, 0.F, 0.F}}).view({1, 1, 2, 5})));
}

TEST(PoolRelu, NanIsNotHidden) {
  const at::Tensor maps = torch::tensor({1.F, NAN, 3.F, 2.F}).view({1, 1, 2, 2});
  EXPECT_TRUE(std::isnan(pool_relu(maps).item<float>()));
}

TEST(PoolRelu, OtherTypesAreServedToo) {
  const at::Tensor maps = torch::tensor({-1.0, 0.25, -3.0, 0.5}, at::kDouble).view({1, 1, 2, 2});
  EXPECT_EQ(pool_relu(maps).item<double>(), 0.5);
}

}  // namespace
}  // namespace telltale::models
