#include "watermark/samples.h"

#include <ATen/ATen.h>

#include <cstring>

namespace telltale::watermark {

at::Tensor images_of(const KeySamples& samples) {
  const data::ImageShape& shape = samples.shape;
  at::Tensor images = at::empty({samples.count(), shape.channels, shape.height, shape.width}, at::kFloat);
  std::memcpy(images.data_ptr<float>(), samples.pixels.data(), samples.pixels.size() * sizeof(float));
  return images;
}

at::Tensor labels_of(const KeySamples& samples) {
  at::Tensor labels = at::empty({samples.count()}, at::kLong);
  std::memcpy(labels.data_ptr<std::int64_t>(), samples.labels.data(), samples.labels.size() * sizeof(std::int64_t));
  return labels;
}

Bytes answers_of(std::span<const std::int64_t> labels) {
  Bytes answers;
  for (const std::int64_t label : labels) answers.push_back(static_cast<std::uint8_t>(label));
  return answers;
}

}  // namespace telltale::watermark
