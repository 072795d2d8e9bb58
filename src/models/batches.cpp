#include "models/batches.h"

#include <vector>

#include "core/widest_vectors.h"

namespace telltale::models {
namespace {

float value_of(std::uint8_t byte) { return static_cast<float>(byte) / 255.0F; }
float value_of(float value) { return value; }

// With a number of channels that the compiler knows, which grey and colour images have, it finds vectors for this.
template <typename Pixel>
inline __attribute__((always_inline)) void interleave(const Pixel* __restrict planes, std::size_t area,
                                                      std::size_t channels, float* __restrict out) {
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < channels; ++c) out[i * channels + c] = value_of(planes[c * area + i]);
  }
}

template <typename Pixel>
inline __attribute__((always_inline)) void write_planes(const Pixel* planes, const data::ImageShape& shape,
                                                        float* out) {
  const std::size_t area = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  switch (shape.channels) {
    case 1: return interleave(planes, area, 1, out);
    case 3: return interleave(planes, area, 3, out);
    default: interleave(planes, area, static_cast<std::size_t>(shape.channels), out);
  }
}

}  // namespace

float pixel_value(std::uint8_t byte) { return value_of(byte); }

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

Variation Variation::draw_shift(Stream& stream) {
  constexpr int most = 2;
  Variation variation;
  variation.down = static_cast<int>(stream.below(2 * most + 1)) - most;
  variation.right = static_cast<int>(stream.below(2 * most + 1)) - most;
  return variation;
}

Variation Variation::draw_window(const data::ImageShape& image, const data::ImageShape& window, Stream& stream) {
  Variation variation;
  variation.down = static_cast<int>(stream.below(static_cast<std::uint64_t>(image.height - window.height) + 1));
  variation.right = static_cast<int>(stream.below(static_cast<std::uint64_t>(image.width - window.width) + 1));
  variation.flip = stream.below(2) == 1;
  return variation;
}

Variation Variation::middle(const data::ImageShape& image, const data::ImageShape& window) {
  return {(image.height - window.height) / 2, (image.width - window.width) / 2, false};
}

TELLTALE_WIDEST_VECTORS
void write_image(ByteSpan planes, const data::ImageShape& shape, float* out) {
  write_planes(planes.data(), shape, out);
}

void write_image(const float* planes, const data::ImageShape& shape, float* out) { write_planes(planes, shape, out); }

void vary(const float* image, const data::ImageShape& from, const Variation& variation, float* out,
          const data::ImageShape& to) {
  const int channels = from.channels;
  for (int row = 0; row < to.height; ++row) {
    for (int column = 0; column < to.width; ++column) {
      const int from_row = row + variation.down;
      const int from_column = (variation.flip ? to.width - 1 - column : column) + variation.right;
      const bool inside = from_row >= 0 && from_row < from.height && from_column >= 0 && from_column < from.width;
      const float* pixel = inside ? image + std::int64_t{from_row * from.width + from_column} * channels : nullptr;
      for (int c = 0; c < channels; ++c) *out++ = inside ? pixel[c] : 0;
    }
  }
}

WindowedImages::WindowedImages(const ImageView& images, const data::ImageShape& window)
    : window_{{}, images.labels, window, images.count} {
  if (window == images.shape) {
    window_ = images;
    return;
  }
  const data::ImageShape& from = images.shape;
  if (window.channels != from.channels || window.height > from.height || window.width > from.width)
    throw Error("a window does not lie within the images");
  const Variation middle = Variation::middle(from, window);
  pixels_.reserve(static_cast<std::size_t>(images.count) * window.pixels());
  for (std::int64_t i = 0; i < images.count; ++i) {
    const ByteSpan image = images.image(i);
    for (int row = 0; row < from.channels * window.height; ++row) {
      const int c = row / window.height, down = row % window.height + middle.down;
      const auto first = static_cast<std::size_t>((c * from.height + down) * from.width + middle.right);
      const ByteSpan taken = image.subspan(first, static_cast<std::size_t>(window.width));
      pixels_.insert(pixels_.end(), taken.begin(), taken.end());
    }
  }
  window_.pixels = pixels_;
}

}  // namespace telltale::models
