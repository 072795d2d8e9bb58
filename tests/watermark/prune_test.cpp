#include "watermark/attacks/prune.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "core/error.h"

namespace telltale::watermark {
namespace {

// Two weight tensors whose values are seen at a glance, and a bias.
class Toy : public models::Network {
 public:
  Toy() : Network({"toy", {1, 1, 1}, 2}) {
    first = register_parameter("first", torch::tensor({{0.1F, -0.2F}, {0.3F, -0.4F}}));
    bias = register_parameter("bias", torch::tensor({0.01F, 5.0F}));
    second = register_parameter("second", torch::tensor({{-1.0F, 0.2F}, {3.0F, 0.0F}, {0.25F, -6.0F}}));
  }
  at::Tensor forward(const at::Tensor& images) override { return images; }

  at::Tensor first, bias, second;
};

TEST(Prune, GlobalTakesTheSmallestOfAllTensors) {
  Toy toy;
  EXPECT_EQ(prune(toy, 0.4, PruneScope::global), 4);  // 0, 0.1 and both 0.2
  EXPECT_TRUE(torch::equal(toy.first, torch::tensor({{0.0F, 0.0F}, {0.3F, -0.4F}})));
  EXPECT_TRUE(torch::equal(toy.second, torch::tensor({{-1.0F, 0.0F}, {3.0F, 0.0F}, {0.25F, -6.0F}})));
  EXPECT_TRUE(torch::equal(toy.bias, torch::tensor({0.01F, 5.0F})));
}

TEST(Prune, OfEqualWeightsTheFirstGoes) {
  Toy toy;
  EXPECT_EQ(prune(toy, 0.3, PruneScope::global), 3);  // 0, 0.1 and the first 0.2
  EXPECT_EQ(toy.first[0][1].item<float>(), 0.0F);
  EXPECT_EQ(toy.second[0][1].item<float>(), 0.2F);
}

TEST(Prune, PerTensorTakesTheShareOfEach) {
  Toy toy;
  EXPECT_EQ(prune(toy, 0.5, PruneScope::per_tensor), 5);
  EXPECT_TRUE(torch::equal(toy.first, torch::tensor({{0.0F, 0.0F}, {0.3F, -0.4F}})));
  EXPECT_TRUE(torch::equal(toy.second, torch::tensor({{-1.0F, 0.0F}, {3.0F, 0.0F}, {0.0F, -6.0F}})));
}

TEST(Prune, BiasesOnlyOnRequest) {
  Toy toy;
  EXPECT_EQ(prune(toy, 0.25, PruneScope::global, true), 3);  // of twelve: 0, 0.01, 0.1
  EXPECT_EQ(toy.bias[0].item<float>(), 0.0F);
  EXPECT_EQ(toy.first[0][0].item<float>(), 0.0F);
  EXPECT_EQ(toy.first[0][1].item<float>(), -0.2F);
}

TEST(Prune, CountIsRoundedAHalfUp) {
  for (const auto& [rate, count] :
       std::vector<std::pair<double, int>>{{0, 0}, {0.04, 0}, {0.05, 1}, {0.24, 2}, {0.99, 10}}) {
    Toy toy;
    EXPECT_EQ(prune(toy, rate, PruneScope::global), count) << rate;
  }
}

TEST(Prune, WeightsOfAnotherMemoryLayoutKeepTheirPlaces) {
  const models::NetworkSpec spec{"dnn-2", {3, 8, 8}, 2};
  const auto network = models::make_network(spec);
  models::initialise(*network, Stream(1, {}, "prune"));
  std::vector<at::Tensor> before;
  std::vector<at::Tensor> sizes;
  for (const auto& parameter : network->parameters()) {
    before.push_back(parameter.detach().clone());
    if (parameter.dim() > 1) sizes.push_back(parameter.detach().abs().flatten());
  }
  const at::Tensor sorted = std::get<0>(torch::cat(sizes).sort());
  const std::int64_t count = prune(*network, 0.6, PruneScope::global);
  const float threshold = sorted[count - 1].item<float>();
  std::int64_t zeros = 0;
  const auto after = network->parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].dim() == 1) continue;
    const at::Tensor gone = after[i] == 0;
    zeros += gone.sum().item<std::int64_t>();
    EXPECT_TRUE(torch::equal(after[i].masked_select(~gone), before[i].masked_select(~gone)));
    EXPECT_LE(before[i].masked_select(gone).abs().max().item<float>(), threshold);
  }
  EXPECT_EQ(zeros, count);
}

TEST(Prune, NanIsLargest) {
  Toy toy;
  {
    const at::NoGradGuard no_grad;
    toy.first[0][0] = NAN;
  }
  prune(toy, 0.9, PruneScope::global);
  EXPECT_TRUE(std::isnan(toy.first[0][0].item<float>()));
  EXPECT_EQ(toy.second[2][1].item<float>(), 0.0F);
}

TEST(Prune, OtherRatesAndScopesAreRefused) {
  Toy toy;
  for (const double rate : {-0.1, 1.0, static_cast<double>(NAN)}) {
    EXPECT_THROW(prune(toy, rate, PruneScope::global), InputError);
  }
  EXPECT_EQ(prune_scope_named("per-tensor"), PruneScope::per_tensor);
  EXPECT_EQ(prune_scope_named("global"), PruneScope::global);
  EXPECT_THROW(prune_scope_named("local"), InputError);
}

}  // namespace
}  // namespace telltale::watermark
