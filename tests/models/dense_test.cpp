#include "models/dense.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

namespace telltale::models {
namespace {

TEST(DenseLayers, GiveTheBitsOfLibTorchsLinearsAndRelusWithTheirGradients) {
  const auto gradients_of = [](bool first_learns, bool as_one) {
    torch::manual_seed(3);
    const at::Tensor values = at::randn({5, 20}).requires_grad_(first_learns);
    std::vector<at::Tensor> parameters{at::randn({12, 20}), at::randn({12}),   at::randn({8, 12}),
                                       at::randn({8}),      at::randn({3, 8}), at::randn({3})};
    for (std::size_t i = first_learns ? 0 : 3; i < parameters.size(); ++i) parameters[i].requires_grad_();
    at::Tensor output = values;
    if (as_one) {
      output = dense_layers(values, parameters);
    } else {
      for (std::size_t i = 0; i < parameters.size(); i += 2) {
        output = at::linear(output, parameters[i], parameters[i + 1]);
        if (i + 2 < parameters.size()) output.relu_();
      }
    }
    at::cross_entropy_loss(output, at::tensor({0, 2, 1, 1, 0}, at::kLong)).backward();
    std::vector<at::Tensor> all{output.detach(), values.grad()};
    for (const at::Tensor& parameter : parameters) all.push_back(parameter.grad());
    return all;
  };
  for (const bool first_learns : {true, false}) {
    const auto ours = gradients_of(first_learns, true), theirs = gradients_of(first_learns, false);
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      ASSERT_EQ(ours[i].defined(), theirs[i].defined()) << i;
      if (theirs[i].defined()) {
        EXPECT_TRUE(torch::equal(ours[i], theirs[i])) << i;
      }
    }
  }
}

}  // namespace
}  // namespace telltale::models
