#include <ATen/ATen.h>

#include <algorithm>

#include "models/weights.h"
#include "watermark/attacks/tuning.h"
#include "watermark/attacks/weight_draws.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// `strength` times the mean of a layer's filters, for each of them; sums in one order.
at::Tensor mean_of_filters(const at::Tensor& parameter, double strength) {
  at::Tensor values = parameter.detach().contiguous().clone();
  const std::int64_t filters = values.size(0), each = values.numel() / filters;
  float* weights = values.data_ptr<float>();
  for (std::int64_t at = 0; at < each; ++at) {
    double sum = 0;
    for (std::int64_t filter = 0; filter < filters; ++filter) sum += weights[filter * each + at];
    const auto mean = static_cast<float>(strength * sum / static_cast<double>(filters));
    for (std::int64_t filter = 0; filter < filters; ++filter) weights[filter * each + at] = mean;
  }
  return values;
}

}  // namespace

std::unique_ptr<Service> apply_weight_shift(const AttackInputs& inputs) {
  auto copy = models::copied(*inputs.model);
  const auto parameters = copy->named_parameters();
  const bool convolves = std::any_of(parameters.begin(), parameters.end(),
                                     [](const auto& parameter) { return parameter.value().dim() == 4; });
  const Stream draws = inputs.stream.derive("weight shift");
  for (const auto& parameter : parameters) {
    const at::Tensor& weights = parameter.value();
    if (convolves ? weights.dim() != 4 : weights.dim() < 2 || models::is_of_output_layer(parameter.key())) continue;
    const at::Tensor noise = noise_for(weights, parameter.key(), inputs.settings.at("noise"), draws);
    const at::NoGradGuard no_grad;
    weights.sub_(mean_of_filters(weights, inputs.settings.at("strength"))).add_(noise);
  }
  train_on(copy, inputs, tuning_of(inputs.settings), "after the shift");
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
