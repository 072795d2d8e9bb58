// What extraction is compared with: the same images and the same training, with the labels that a thief knows himself.
#include <ATen/ATen.h>

#include "models/network.h"
#include "models/transform.h"
#include "watermark/attacks/student.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_scratch(const AttackInputs& inputs) {
  const models::ImageView half = first_half(inputs.images);
  const auto chosen = asked_images(inputs);
  std::vector<std::int64_t> labels;
  for (const std::int64_t one : chosen) labels.push_back(half.label(one));
  std::shared_ptr<models::Network> own = new_student(inputs, inputs.model->spec());
  train_student(own, inputs, models::planes_of(half).index_select(0, at::tensor(chosen)),
                at::one_hot(at::tensor(labels), inputs.model->spec().classes).to(at::kFloat));
  return serve(std::move(own));
}

}  // namespace telltale::watermark
