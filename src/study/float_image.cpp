#include "study/float_image.h"

#include <bit>
#include <cmath>

#include "core/error.h"
#include "store/png_file.h"

namespace telltale::study {
namespace {

float pixel_of(std::uint8_t byte) { return static_cast<float>(byte) / 255.0f; }

bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

}  // namespace

void write_exact_png(const std::string& path, const data::ImageShape& shape, std::span<const float> pixels,
                     const std::string& what) {
  const auto refuse = [&](const std::string& why) {
    throw InputError(what + " cannot be a PNG: " + why + "; --format npy keeps it");
  };
  if (shape.channels != 1 && shape.channels != 3) refuse("it has " + std::to_string(shape.channels) + " channels");
  // Pixels are planes of channels here, and channels of pixels in a PNG.
  const auto plane = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const auto place = [&](std::size_t i) { return i % plane * static_cast<std::size_t>(shape.channels) + i / plane; };
  store::PngImage image{shape.height, shape.width, shape.channels, Bytes(pixels.size())};
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (!(pixels[i] >= 0 && pixels[i] <= 1)) refuse("a pixel is outside [0, 1]");
    const auto byte = static_cast<std::uint8_t>(std::lround(pixels[i] * 255.0f));
    if (!same_bits(pixel_of(byte), pixels[i])) refuse("it is not on the 8-bit grid");
    image.bytes[place(i)] = byte;
  }
  store::write_png(path, image);
  // What a service will see, and what was seen here, must be the same floats.
  const store::PngImage back = store::read_png(path);
  if (back != image) throw Error("the image " + path + " does not give back " + what + " bit for bit");
}

}  // namespace telltale::study
