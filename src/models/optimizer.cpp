#include "models/optimizer.h"

#include <cmath>

#include "core/widest_vectors.h"

namespace telltale::models {

TELLTALE_WIDEST_VECTORS
double squared_norm(std::span<const float> values) {
  constexpr std::size_t sums = 8;
  double sum[sums] = {};
  const float* v = values.data();
  const std::size_t whole = values.size() / sums * sums;
  for (std::size_t i = 0; i < whole; i += sums)
    for (std::size_t s = 0; s < sums; ++s) {
      const auto value = static_cast<double>(v[i + s]);
      sum[s] += value * value;
    }
  double total = 0;
  for (const double one : sum) total += one;
  for (std::size_t i = whole; i < values.size(); ++i) total += static_cast<double>(v[i]) * static_cast<double>(v[i]);
  return total;
}

TELLTALE_WIDEST_VECTORS
void scale(float factor, std::span<float> values) {
  for (float& value : values) value *= factor;
}

TELLTALE_WIDEST_VECTORS
void apply_sgd(const SgdStep& step, std::span<float> weights, std::span<const float> gradients,
               std::span<float> velocity) {
  float* w = weights.data();
  const float* g = gradients.data();
  const std::size_t count = weights.size();
  const auto [rate, momentum, decay, nesterov] = step;
  if (velocity.empty()) {
    for (std::size_t i = 0; i < count; ++i) w[i] -= rate * (g[i] + decay * w[i]);
    return;
  }
  float* v = velocity.data();
  if (nesterov) {
    for (std::size_t i = 0; i < count; ++i) {
      const float gradient = g[i] + decay * w[i];
      v[i] = momentum * v[i] + gradient;
      w[i] -= rate * (gradient + momentum * v[i]);
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    v[i] = momentum * v[i] + (g[i] + decay * w[i]);
    w[i] -= rate * v[i];
  }
}

TELLTALE_WIDEST_VECTORS
void apply_adam(const AdamStep& step, std::span<float> weights, std::span<const float> gradients,
                std::span<float> first, std::span<float> second) {
  float* w = weights.data();
  const float* g = gradients.data();
  float* m = first.data();
  float* v = second.data();
  constexpr auto beta1 = static_cast<float>(adam_beta1);
  constexpr auto beta2 = static_cast<float>(adam_beta2);
  constexpr auto epsilon = static_cast<float>(adam_epsilon);
  const auto rate = static_cast<float>(static_cast<double>(step.rate) / (1 - step.first_power));
  const auto correction = static_cast<float>(std::sqrt(1 - step.second_power));
  const float decay = step.weight_decay;
  const std::size_t count = weights.size();
  for (std::size_t i = 0; i < count; ++i) {
    const float gradient = g[i] + decay * w[i];
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    w[i] -= rate * (m[i] / (std::sqrt(v[i]) / correction + epsilon));
  }
}

}  // namespace telltale::models
