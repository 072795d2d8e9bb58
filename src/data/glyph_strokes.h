// How digits and letters are written: strokes of a pen, for glyphs.cpp to distort and draw.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace telltale::data {

struct Point {
  float x, y;
};

enum class Line : std::uint8_t { straight, curved };

/// A stroke of the pen: straight from point to point, or a curve drawn towards its inner points.
struct Stroke {
  Line line;
  std::vector<Point> points;  ///< x to the right, y down, about -1 to 1
  float chance = 1;           ///< of being drawn
};

/// 0 to 9.
const std::array<std::vector<Stroke>, 10>& digit_strokes();
/// Capitals, A to Z.
const std::array<std::vector<Stroke>, 26>& letter_strokes();

}  // namespace telltale::data
