#include <ATen/ATen.h>

#include <cmath>
#include <span>

#include "models/weights.h"
#include "watermark/attacks/weight_draws.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

at::Tensor noise_for(const at::Tensor& parameter, std::string_view name, double strength, const Stream& stream) {
  // Row-major, whatever the layout in memory; sums in one order.
  at::Tensor noise = parameter.detach().contiguous().clone();
  const std::span<float> values(noise.data_ptr<float>(), static_cast<std::size_t>(noise.numel()));
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const float value : values) sum += value;
  for (const float value : values) squares += (value - sum / count) * (value - sum / count);
  const double deviation = strength * std::sqrt(squares / count);
  Stream draws = stream.derive(name);
  for (float& value : values) value = static_cast<float>(deviation * draws.normal());
  return noise;
}

std::unique_ptr<Service> apply_weight_noise(const AttackInputs& inputs) {
  auto copy = models::copied(*inputs.model);
  const double strength = inputs.settings.at("strength");
  const Stream draws = inputs.stream.derive("weight noise");  // strengths differ in scale alone
  const at::NoGradGuard no_grad;
  for (const auto& parameter : copy->named_parameters())
    if (parameter.value().dim() >= 2)
      parameter.value().add_(noise_for(parameter.value(), parameter.key(), strength, draws));
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
