#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_input_noise(const AttackInputs& inputs) {
  // One stream for all that is asked, in its order: how many at a time does not matter.
  return serve_behind(inputs.model, [draws = inputs.stream.derive("input noise"),
                                     deviation = inputs.settings.at("deviation").get<double>(),
                                     check = inputs.check](const at::Tensor& images) mutable {
    check();
    at::Tensor noisy = images.contiguous().clone();
    for (float& pixel : std::span<float>(noisy.data_ptr<float>(), static_cast<std::size_t>(noisy.numel())))
      pixel = static_cast<float>(std::clamp(pixel + deviation * draws.normal(), 0.0, 1.0));
    return noisy;
  });
}

}  // namespace telltale::watermark
