// Extraction: what a service answers is all that a network is trained on (Tramer et al. 2016; Orekondy, Schiele and
// Fritz 2019, "Knockoff nets"; soft answers: Hinton, Vinyals and Dean 2015).
#include <ATen/ATen.h>

#include "models/network.h"
#include "models/transform.h"
#include "models/weights.h"
#include "watermark/attacks/student.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_extract(const AttackInputs& inputs) {
  const Json& settings = inputs.settings;
  const auto device = inputs.device ? inputs.device : std::shared_ptr<Service>(serve(inputs.model));
  const auto chosen = asked_images(inputs);
  const at::Tensor images = models::planes_of(first_half(inputs.images)).index_select(0, at::tensor(chosen));
  const at::Tensor answers = told(*device, images, settings);
  inputs.check();

  models::NetworkSpec spec = inputs.model->spec();
  if (const auto network = settings.at("network").get<std::string>(); network != "same")
    spec = {network, spec.input, spec.classes, {}};
  const std::shared_ptr<models::Network> student =
      settings.at("start") == "stolen" ? models::copied(*inputs.model) : new_student(inputs, spec);
  train_student(student, inputs, images, answers);
  measure_agreement(inputs, *student, *device);
  return serve(student);
}

}  // namespace telltale::watermark
