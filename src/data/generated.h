// Data sets that the program draws itself: for the first run, the tests, and machines without data.
//
// An image is a function of (seed, split, index). Drawing uses IEEE additions, multiplications, divisions, square
// roots and comparisons only (no libm call, angles by rational parametrisation), so every CPU draws the same bytes.
#pragma once

#include <span>

#include "core/random.h"
#include "data/catalog.h"

namespace telltale::data {

/// 1x28x28, 10 classes: digits drawn as strokes, distorted, with clutter and noise.
void draw_glyphs(const Entry& entry, const SplitRequest& request, SplitSink& sink);

/// 1x28x28, 26 classes: capital letters, drawn likewise.
void draw_letters(const Entry& entry, const SplitRequest& request, SplitSink& sink);

/// 3x32x32, 10 classes: stripes of four orientations, checks, rings, dots, sectors, blobs, gradients, in random
/// colours.
void draw_tiles(const Entry& entry, const SplitRequest& request, SplitSink& sink);

/// Draws an image of class `label` into `pixels` (intensities 0 to 255, channel by channel, initially 0).
using Painter = void (*)(Stream& stream, int label, std::span<float> pixels);

/// Draws a split image by image; the label comes first from the image's stream, uniformly.
void draw_split(const Entry& entry, const SplitRequest& request, SplitSink& sink, Painter paint);

/// Cosine and sine of a turn.
struct Rotation {
  float cosine = 1, sine = 0;

  /// The turn whose half has the tangent `t`: 0.1 is 11 degrees, 0.414 is 45, 1 is 90.
  static Rotation by_half_tangent(float t);
  /// Uniform enough over all directions.
  static Rotation random(Stream& stream);
  [[nodiscard]] Rotation then(const Rotation& other) const;
};

inline float between(Stream& stream, float low, float high) { return static_cast<float>(stream.uniform(low, high)); }

/// `value` held within [0, 1].
inline float clamp_unit(float value) {
  value = value < 0.0f ? 0.0f : value;
  return value > 1.0f ? 1.0f : value;
}

/// Adds bell-shaped noise of standard deviation `deviation` (sums of four bytes: quick, and exact on every CPU).
void add_noise(Stream& stream, float deviation, std::span<float> pixels);

}  // namespace telltale::data
