#include <ATen/ATen.h>

#include "models/weights.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

void draw_last_layer_anew(models::Network& network, const Stream& stream) {
  const auto fresh = models::make_network(network.spec());
  models::initialise(*fresh, stream);
  const auto drawn = fresh->named_parameters();
  const at::NoGradGuard no_grad;
  for (auto& item : network.named_parameters())
    if (models::is_of_output_layer(item.key())) item.value().copy_(drawn[item.key()]);
}

}  // namespace

std::unique_ptr<Service> apply_fine_tune(const AttackInputs& inputs) {
  const auto how = inputs.settings.at("how").get<std::string>();
  auto copy = models::copied(*inputs.model);
  if (how.starts_with("rt")) draw_last_layer_anew(*copy, inputs.stream.derive("last layer"));
  if (how.ends_with("ll")) models::train_output_layer_alone(*copy);
  Tuning tuning = tuning_of(inputs.settings);
  tuning.momentum = inputs.settings.at("momentum");
  tuning.batch = inputs.settings.at("batch");
  train_on(copy, inputs, tuning, "fine-tuning");
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
