#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/imitation.h"
#include "models/training.h"
#include "models/transform.h"
#include "watermark/attacks/student.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

constexpr std::int64_t asked_at_once = 250;  // images that a service is asked at a time

}  // namespace

at::Tensor told(Service& service, const at::Tensor& images, const Json& settings) {
  at::Tensor answers = service.logits(images, asked_at_once).softmax(1);
  if (settings.at("answers") == "probabilities") return answers;
  return at::one_hot(answers.argmax(1), answers.size(1)).to(at::kFloat);
}

std::vector<std::int64_t> asked_images(const AttackInputs& inputs) {
  const models::ImageView half = first_half(inputs.images);
  if (half.count == 0) throw Error("there are no test images that a thief could ask about");
  std::vector<std::int64_t> chosen = inputs.stream.derive("queries").permutation(half.count);
  const auto asked = std::min(inputs.settings.at("queries").get<std::int64_t>(), half.count);
  chosen.resize(static_cast<std::size_t>(asked));
  return chosen;
}

std::shared_ptr<models::Network> new_student(const AttackInputs& inputs, const models::NetworkSpec& spec) {
  std::shared_ptr<models::Network> student = models::make_network(spec);
  models::initialise(*student, inputs.stream.derive("drawn weights"));
  return student;
}

void train_student(const std::shared_ptr<models::Network>& student, const AttackInputs& inputs,
                   const at::Tensor& images, const at::Tensor& answers) {
  const Json& settings = inputs.settings;
  models::Recipe recipe;
  recipe.learning_rate = settings.at("rate");
  recipe.momentum = 0.9;
  recipe.batch = std::min(settings.at("batch").get<std::int64_t>(), images.size(0));
  const auto steps = settings.at("steps").get<std::int64_t>();
  recipe.epochs = steps * recipe.batch / images.size(0) + 1;
  models::ImageView none{{}, {}, student->spec().input, 0};
  models::Trainer trainer(student, recipe, {none, images, answers.argmax(1)}, inputs.stream.derive("extraction"),
                          std::make_shared<models::Imitation>(answers));
  for (std::int64_t done = 0; done < steps; ++done) {
    trainer.step();
    inputs.check();
  }
}

void measure_agreement(const AttackInputs& inputs, models::Network& student, Service& service) {
  const std::int64_t half = first_half(inputs.images).count;
  const models::ImageView rest = inputs.images.part(half, inputs.images.count - half);
  const auto services = models::labels_of(service.logits(models::planes_of(rest), asked_at_once));
  inputs.measured("agreement",
                  models::accuracy(models::labels_of(models::predict_logits(student, rest, asked_at_once)), services));
}

}  // namespace telltale::watermark
