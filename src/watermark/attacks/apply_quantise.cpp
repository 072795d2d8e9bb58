#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "models/weights.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_quantise(const AttackInputs& inputs) {
  auto copy = models::copied(*inputs.model);
  const auto bits = inputs.settings.at("bits").get<int>();
  const double steps = std::ldexp(1, bits - 1) - 1;  // between zero and the largest
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : copy->parameters()) {
    if (parameter.dim() < 2) continue;
    // In one order and by exact operations: the same levels on every CPU.
    const std::span<float> weights(parameter.data_ptr<float>(), static_cast<std::size_t>(parameter.numel()));
    float largest = 0;
    for (const float weight : weights) largest = std::max(largest, std::abs(weight));
    if (largest == 0) continue;
    const double step = largest / steps;
    for (float& weight : weights) weight = static_cast<float>(std::nearbyint(weight / step) * step);
  }
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
