#include <ATen/ATen.h>

#include "models/transform.h"
#include "models/transforms/pattern.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_input_only(const AttackInputs& inputs) {
  if (inputs.settings.at("as") == "key") {
    const auto own = models::make_transform(models::TransformSpec::from_json(inputs.kind));
    own->draw(inputs.stream);
    return serve_behind(inputs.model, [own](const at::Tensor& images) { return own->forward(images); });
  }
  const data::ImageShape& shape = inputs.images.shape;
  // A thief knows the network's range of pixels.
  const at::Tensor pattern =
      models::bipolar_pattern({1, shape.channels, shape.height, shape.width}, inputs.settings.at("sigma"),
                              inputs.settings.at("share"), inputs.stream) *
      models::unit_of(models::pixels_of(inputs.model->spec()));
  return serve_behind(inputs.model, [pattern](const at::Tensor& images) { return images + pattern; });
}

}  // namespace telltale::watermark
