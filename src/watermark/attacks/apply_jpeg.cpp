#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "data/jpeg.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// Pixels in [0, 1] as a file holds them, and back.
at::Tensor through_jpeg(const at::Tensor& images, int quality) {
  at::Tensor rows = images.permute({0, 2, 3, 1}).contiguous().clone();  // N x H x W x C
  const data::ImageShape shape{static_cast<int>(images.size(1)), static_cast<int>(images.size(2)),
                               static_cast<int>(images.size(3))};
  Bytes pixels(shape.pixels());
  for (std::int64_t image = 0; image < rows.size(0); ++image) {
    float* values = rows.data_ptr<float>() + image * static_cast<std::int64_t>(pixels.size());
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>(std::lround(std::clamp(values[i], 0.0F, 1.0F) * 255.0F));
    const Bytes back = data::through_jpeg(pixels, shape, quality);
    for (std::size_t i = 0; i < pixels.size(); ++i) values[i] = static_cast<float>(back[i]) / 255.0F;
  }
  return rows.permute({0, 3, 1, 2});
}

}  // namespace

std::unique_ptr<Service> apply_jpeg(const AttackInputs& inputs) {
  return serve_behind(inputs.model, [quality = inputs.settings.at("quality").get<int>(),
                                     check = inputs.check](const at::Tensor& images) {
    check();
    return through_jpeg(images, quality);
  });
}

}  // namespace telltale::watermark
