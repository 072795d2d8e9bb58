#include "watermark/schemes/foreign_images.h"

#include <algorithm>

#include "core/error.h"
#include "models/batches.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {

Parameter unrelated_key() {
  return {.name = "unrelated",
          .type = ValueType::choice,
          .fallback = "letters",
          .help = "the data set of the unrelated images (the paper: EMNIST's letters for MNIST, MNIST for CIFAR-10)",
          .axis = AxisRule::allowed,
          .choices = data::dataset_names()};
}

const data::Dataset& foreign_data(const KeyInputs& inputs) {
  const std::string name = inputs.settings.at("unrelated");
  if (inputs.others == nullptr || !inputs.others->contains(name))
    throw Error("the data set " + name + " of the unrelated images was not read");
  return inputs.others->at(name);
}

ForeignFit::ForeignFit(const data::Dataset& other, const data::ImageShape& shape)
    : from(other.shape()), to(shape), top((to.height - from.height) / 2), left((to.width - from.width) / 2) {
  const auto text = [](const data::ImageShape& s) {
    return std::to_string(s.channels) + " x " + std::to_string(s.height) + " x " + std::to_string(s.width);
  };
  require(from.height <= to.height && from.width <= to.width && (from.channels == to.channels || from.channels == 1),
          "unrelated",
          "images of " + other.name() + " (" + text(from) + ") do not fit into those of the network (" + text(to) +
              "): smaller ones are laid in the middle, grey ones take every channel, and there is no other rule");
}

void ForeignFit::lay(ByteSpan image, std::span<float> pixels) const {
  std::fill(pixels.begin(), pixels.end(), 0.0F);
  for (int c = 0; c < to.channels; ++c)
    for (int y = 0; y < from.height; ++y)
      for (int x = 0; x < from.width; ++x)
        pixels[static_cast<std::size_t>((c * to.height + top + y) * to.width + left + x)] = models::pixel_value(
            image[static_cast<std::size_t>(((from.channels == 1 ? 0 : c) * from.height + y) * from.width + x)]);
}

}  // namespace telltale::watermark
