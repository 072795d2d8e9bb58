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

struct Step {
  at::Tensor output, of_weight, of_bias;
};

Step step_of(const at::Tensor& images, bool as_one) {
  torch::manual_seed(4);
  const std::vector<at::Tensor> parameters{at::randn({32, images.size(1)}).requires_grad_(),
                                           at::randn({32}).requires_grad_(), at::randn({3, 32}).requires_grad_(),
                                           at::randn({3}).requires_grad_()};
  const at::Tensor output =
      as_one ? dense_layers(images, parameters)
             : at::linear(at::linear(images, parameters[0], parameters[1]).relu(), parameters[2], parameters[3]);
  if (at::GradMode::is_enabled()) output.square().sum().backward();
  return {output.detach(), parameters[0].grad(), parameters[1].grad()};
}

at::Tensor mostly_black() {
  torch::manual_seed(5);
  return at::rand({20, 50}) * (at::rand({20, 50}) < 0.2);
}

TEST(DenseLayers, TrainOnImagesThatAreMostlyZerosAsLibTorchDoesUpToRounding) {
  const Step ours = step_of(mostly_black(), true), theirs = step_of(mostly_black(), false);
  EXPECT_TRUE(at::allclose(ours.output, theirs.output, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(ours.of_weight, theirs.of_weight, 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(ours.of_bias, theirs.of_bias, 1e-4, 1e-4));
}

TEST(DenseLayers, AnswerImagesThatAreMostlyZerosWithTheBitsOfLibTorch) {
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(step_of(mostly_black(), true).output, step_of(mostly_black(), false).output));
}

}  // namespace
}  // namespace telltale::models
