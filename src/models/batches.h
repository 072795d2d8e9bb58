// From stored images to the pixels a network sees: uint8 planes to float32, channels last, one batch at a time.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "models/images.h"

namespace telltale::models {

/// How an image is varied each time it is trained on: what is cut out of it, and whether that is flipped.
struct Variation {
  static constexpr int padding = 4;  ///< of draw(): how far a crop leaves the image at most

  int down = 0;   ///< the first row that is taken; what lies outside of the image is 0
  int right = 0;  ///< the first column
  bool flip = false;

  /// Pad by 4 and crop back, flip half of them (He et al. 2016): -4 .. 4 rows and columns.
  static Variation draw(Stream& stream);
  /// Moved by up to 2 pixels each way: of digits, which a flip makes others.
  static Variation draw_shift(Stream& stream);
  /// A window of one size anywhere in an image of another, half of them flipped.
  static Variation draw_window(const data::ImageShape& image, const data::ImageShape& window, Stream& stream);
  /// The window in the middle, as it is.
  static Variation middle(const data::ImageShape& image, const data::ImageShape& window);
};

/// byte / 255, correctly rounded.
float pixel_value(std::uint8_t byte);

/// One image of bytes, C x H x W, as pixel_value()s, H x W x C.
void write_image(ByteSpan planes, const data::ImageShape& shape, float* out);
/// One image of floats, C x H x W, as H x W x C.
void write_image(const float* planes, const data::ImageShape& shape, float* out);
/// What a variation makes of an image of the shape `from`, H x W x C: one of the shape `to`, of as many channels.
void vary(const float* image, const data::ImageShape& from, const Variation& variation, float* out,
          const data::ImageShape& to);

}  // namespace telltale::models
