// From stored images to the pixels a network sees: uint8 planes to float32, channels last, one batch at a time.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "models/images.h"

namespace telltale::models {

/// How an image is varied each time it is trained on (He et al. 2016: pad by 4, crop back, flip half of them).
struct Variation {
  int down = 0;   ///< rows the crop moves by, -4 .. 4; what enters is 0
  int right = 0;  ///< columns, likewise
  bool flip = false;

  static Variation draw(Stream& stream);
};

/// byte / 255, correctly rounded.
float pixel_value(std::uint8_t byte);

/// One image of bytes, C x H x W, as pixel_value()s, H x W x C.
void write_image(ByteSpan planes, const data::ImageShape& shape, float* out);
/// One image of floats, C x H x W, as H x W x C.
void write_image(const float* planes, const data::ImageShape& shape, float* out);
/// Varies `image`, H x W x C, in place.
void vary(float* image, const data::ImageShape& shape, const Variation& variation);

}  // namespace telltale::models
