#include "models/batches.h"

#include <array>
#include <vector>

namespace telltale::models {
namespace {

constexpr int padding = 4;

constexpr std::array<float, 256> scaled = [] {
  std::array<float, 256> values{};
  for (int byte = 0; byte < 256; ++byte) values[static_cast<std::size_t>(byte)] = static_cast<float>(byte) / 255.0F;
  return values;
}();

template <typename Pixel, typename Convert>
void interleave(const Pixel* planes, const data::ImageShape& shape, float* out, Convert convert) {
  const std::size_t channels = static_cast<std::size_t>(shape.channels);
  const std::size_t area = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  for (std::size_t c = 0; c < channels; ++c) {
    const Pixel* plane = planes + c * area;
    for (std::size_t i = 0; i < area; ++i) out[i * channels + c] = convert(plane[i]);
  }
}

}  // namespace

float pixel_value(std::uint8_t byte) { return scaled[byte]; }

void check(const ImageView& view) {
  if (view.count < 0 || view.shape.channels < 1 || view.shape.height < 1 || view.shape.width < 1 ||
      view.pixels.size() != static_cast<std::size_t>(view.count * view.pixels_each()) ||
      view.labels.size() != static_cast<std::size_t>(view.count)) {
    throw Error("a view of images holds another number of bytes than its shape says");
  }
}

Variation Variation::draw(Stream& stream) {
  Variation variation;
  variation.down = static_cast<int>(stream.below(2 * padding + 1)) - padding;
  variation.right = static_cast<int>(stream.below(2 * padding + 1)) - padding;
  variation.flip = stream.below(2) == 1;
  return variation;
}

void write_image(ByteSpan planes, const data::ImageShape& shape, float* out) {
  interleave(planes.data(), shape, out, [](std::uint8_t byte) { return scaled[byte]; });
}

void write_image(const float* planes, const data::ImageShape& shape, float* out) {
  interleave(planes, shape, out, [](float value) { return value; });
}

void vary(float* image, const data::ImageShape& shape, const Variation& variation) {
  const int channels = shape.channels;
  const std::vector<float> source(image, image + std::int64_t{shape.height} * shape.width * channels);
  for (int row = 0; row < shape.height; ++row) {
    for (int column = 0; column < shape.width; ++column) {
      const int from_row = row + variation.down;
      const int from_column = (variation.flip ? shape.width - 1 - column : column) + variation.right;
      const bool inside = from_row >= 0 && from_row < shape.height && from_column >= 0 && from_column < shape.width;
      for (int c = 0; c < channels; ++c, ++image) {
        *image = inside ? source[static_cast<std::size_t>((from_row * shape.width + from_column) * channels + c)] : 0;
      }
    }
  }
}

}  // namespace telltale::models
