#include <ATen/ATen.h>

#include "models/evaluate.h"
#include "models/weights.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_overwrite(const AttackInputs& inputs) {
  constexpr std::int64_t at_once = 250;
  auto copy = models::copied(*inputs.model);
  KeySamples keys = inputs.rival_keys ? inputs.rival_keys(first_half(inputs.images)) : KeySamples{};
  keys.keep_first(std::min(keys.count(), inputs.settings.at("keys").get<std::int64_t>()));
  train_on(copy, inputs, tuning_of(inputs.settings), "second owner", &keys);
  if (keys.count() > 0) {
    const auto given = models::labels_of(models::predict_logits(*copy, images_of(keys), at_once));
    inputs.measured("rival_key_accuracy", models::accuracy(given, keys.labels));
  }
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
