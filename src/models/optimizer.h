// Optimizer steps on flat arrays, in exact IEEE operations only: given the gradients, every CPU takes the same step.
#pragma once

#include <cstdint>
#include <span>

namespace telltale::models {

/// The sum of squares, in double: eight sums in turn, so that the order of additions is the same on every CPU.
double squared_norm(std::span<const float> values);

void scale(float factor, std::span<float> values);

struct SgdStep {
  float rate = 0;
  float momentum = 0;
  float weight_decay = 0;
  bool nesterov = false;
};

/// G = g + weight_decay w; v <- momentum v + G; w <- w - rate v, or with Nesterov's momentum w - rate (G + momentum v):
/// as PyTorch's SGD, without dampening. The spans have one length; `velocity` starts as zeros and is empty if momentum
/// is 0.
void apply_sgd(const SgdStep& step, std::span<float> weights, std::span<const float> gradients,
               std::span<float> velocity);

struct AdamStep {
  float rate = 0;
  float weight_decay = 0;   ///< added to the gradient, as in PyTorch's Adam (not AdamW)
  double first_power = 1;   ///< beta1^t, t = 1 for the first step
  double second_power = 1;  ///< beta2^t
};

constexpr double adam_beta1 = 0.9;
constexpr double adam_beta2 = 0.999;
constexpr double adam_epsilon = 1e-8;

/// Kingma and Ba 2015 with the usual constants above. `first` and `second` are the moments and start as zeros.
void apply_adam(const AdamStep& step, std::span<float> weights, std::span<const float> gradients,
                std::span<float> first, std::span<float> second);

}  // namespace telltale::models
