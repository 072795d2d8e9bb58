// Extraction: what a service answers is all that a network is trained on (Tramer et al. 2016; Orekondy, Schiele and
// Fritz 2019, "Knockoff nets"; soft answers: Hinton, Vinyals and Dean 2015).
#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/imitation.h"
#include "models/training.h"
#include "models/transform.h"
#include "models/weights.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_extract(const AttackInputs& inputs) {
  constexpr std::int64_t at_once = 250;  // images that a service is asked at a time
  const Json& settings = inputs.settings;
  const auto device = inputs.device ? inputs.device : std::shared_ptr<Service>(serve(inputs.model));
  const models::ImageView half = first_half(inputs.images);
  if (half.count == 0) throw Error("there are no test images that a thief could ask about");

  const auto asked = std::min(settings.at("queries").get<std::int64_t>(), half.count);
  std::vector<std::int64_t> chosen = inputs.stream.derive("queries").permutation(half.count);
  chosen.resize(static_cast<std::size_t>(asked));
  const at::Tensor images = models::planes_of(half).index_select(0, at::tensor(chosen));
  at::Tensor answers = device->logits(images, at_once).softmax(1);
  if (settings.at("answers") == "labels") answers = at::one_hot(answers.argmax(1), answers.size(1)).to(at::kFloat);
  inputs.check();

  models::NetworkSpec spec = inputs.model->spec();
  if (const auto network = settings.at("network").get<std::string>(); network != "same")
    spec = {network, spec.input, spec.classes, {}};
  std::shared_ptr<models::Network> student;
  if (settings.at("start") == "stolen") {
    student = models::copied(*inputs.model);
  } else {
    student = models::make_network(spec);
    models::initialise(*student, inputs.stream.derive("drawn weights"));
  }
  models::Recipe recipe;
  recipe.learning_rate = settings.at("rate");
  recipe.momentum = 0.9;
  recipe.batch = std::min(settings.at("batch").get<std::int64_t>(), asked);
  const auto steps = settings.at("steps").get<std::int64_t>();
  recipe.epochs = steps * recipe.batch / asked + 1;
  models::ImageView none{{}, {}, spec.input, 0};
  models::Trainer trainer(student, recipe, {none, images, answers.argmax(1)}, inputs.stream.derive("extraction"),
                          std::make_shared<models::Imitation>(answers));
  for (std::int64_t done = 0; done < steps; ++done) {
    trainer.step();
    inputs.check();
  }

  const models::ImageView rest = inputs.images.part(half.count, inputs.images.count - half.count);
  const auto told = models::labels_of(device->logits(models::planes_of(rest), at_once));
  inputs.measured("agreement",
                  models::accuracy(models::labels_of(models::predict_logits(*student, rest, at_once)), told));
  return serve(std::move(student));
}

}  // namespace telltale::watermark
