#include <array>
#include <cmath>
#include <vector>

#include "data/generated.h"

namespace telltale::data {
namespace {

constexpr int tile_side = 32;
constexpr int area = tile_side * tile_side;
using Field = std::array<float, area>;  ///< one value a pixel: 0 the first colour, 1 the second

enum Pattern { horizontal, vertical, falling, rising, checks, rings, dots, sectors, blobs, gradient };

/// The part of `value` after the point; values above -1024 only.
inline float fraction(float value) {
  const float shifted = value + 1024;  // positive, so that cutting off is rounding down
  return shifted - static_cast<float>(static_cast<int>(shifted));
}

/// Up and down between 0 and 1 once in each unit, steepened `edge`-fold around the middle.
inline float wave(float phase, float edge) {
  const float centred = fraction(phase) - 0.5f;
  const float triangle = 2 * (centred < 0 ? -centred : centred);
  return clamp_unit(0.5f + (triangle - 0.5f) * edge);
}

/// Fills a field with function(x, y), the pixel's position measured from `centre` along the turned axes.
template <typename Function>
void fill(Field& field, const Rotation& turn, float centre_x, float centre_y, Function function) {
  for (int y = 0; y < tile_side; ++y)
    for (int x = 0; x < tile_side; ++x) {
      const float px = static_cast<float>(x) - centre_x, py = static_cast<float>(y) - centre_y;
      field[static_cast<std::size_t>(y * tile_side + x)] =
          function(turn.cosine * px + turn.sine * py, turn.cosine * py - turn.sine * px);
    }
}

void draw_stripes(Stream& stream, const Rotation& direction, Field& field) {
  const Rotation turn = direction.then(Rotation::by_half_tangent(between(stream, -0.1f, 0.1f)));
  const float frequency = 1 / between(stream, 4, 10), phase = between(stream, 0, 1), edge = between(stream, 1, 4);
  fill(field, turn, 15.5f, 15.5f, [=](float, float v) { return wave(v * frequency + phase, edge); });
}

void draw_checks(Stream& stream, Field& field) {
  const float frequency = 1 / between(stream, 8, 14), edge = between(stream, 2.5f, 5);
  const float phase_u = between(stream, 0, 1), phase_v = between(stream, 0, 1);
  const Rotation turn = Rotation::by_half_tangent(between(stream, -0.1f, 0.1f));
  fill(field, turn, 15.5f, 15.5f, [=](float u, float v) {
    const float a = wave(u * frequency + phase_u, edge), b = wave(v * frequency + phase_v, edge);
    return a + b - 2 * a * b;
  });
}

void draw_rings(Stream& stream, Field& field) {
  const float frequency = 1 / between(stream, 4, 10), phase = between(stream, 0, 1), edge = between(stream, 1, 4);
  const float x = between(stream, 8, 23), y = between(stream, 8, 23), stretch = between(stream, 0.6f, 1.0f);
  fill(field, Rotation::random(stream), x, y,
       [=](float u, float v) { return wave(std::sqrt(u * u + stretch * v * v) * frequency + phase, edge); });
}

void draw_dots(Stream& stream, Field& field) {
  const float period = between(stream, 7, 12), radius = period * between(stream, 0.2f, 0.36f);
  const float phase_u = between(stream, 0, 1), phase_v = between(stream, 0, 1);
  fill(field, Rotation::random(stream), 15.5f, 15.5f, [=](float u, float v) {
    const float du = (fraction(u / period + phase_u) - 0.5f) * period;
    const float dv = (fraction(v / period + phase_v) - 0.5f) * period;
    return clamp_unit(radius + 0.5f - std::sqrt(du * du + dv * dv));
  });
}

void draw_sectors(Stream& stream, Field& field) {
  // Turns by pi / 3, pi / 4, pi / 5.
  static constexpr std::array<Rotation, 3> steps = {
      {{0.5f, 0.8660254f}, {0.70710678f, 0.70710678f}, {0.80901699f, 0.58778525f}}};
  const std::size_t choice = stream.below(steps.size());
  const std::size_t lines = choice + 3;
  std::array<Rotation, steps.size() + 2> edges;
  edges[0] = Rotation::random(stream);
  for (std::size_t k = 1; k < lines; ++k) edges[k] = edges[k - 1].then(steps[choice]);
  const float x = between(stream, 10, 21), y = between(stream, 10, 21);
  fill(field, {}, x, y, [&](float u, float v) {
    float side_of_all = 1;  // changes its sign across each line through the centre
    for (std::size_t k = 0; k < lines; ++k)
      side_of_all *= 2 * clamp_unit(0.5f + 0.5f * (u * edges[k].sine - v * edges[k].cosine)) - 1;
    return 0.5f + 0.5f * side_of_all;
  });
}

void draw_blobs(Stream& stream, Field& field) {
  // Random values on a coarse grid, interpolated smoothly, with a soft threshold.
  constexpr int nodes = 7;
  std::array<float, nodes * nodes> grid;
  for (float& value : grid) value = between(stream, 0, 1);
  const float frequency = 1 / between(stream, 6.5f, 10), edge = between(stream, 2, 5);
  const Rotation turn = Rotation::random(stream);
  const auto smooth = [](float t) { return t * t * (3 - 2 * t); };
  fill(field, {}, 0, 0, [&](float u, float v) {
    const float gu = u * frequency, gv = v * frequency;
    const int i = static_cast<int>(gu), j = static_cast<int>(gv);
    const float su = smooth(gu - static_cast<float>(i)), sv = smooth(gv - static_cast<float>(j));
    const float* node = grid.data() + j * nodes + i;
    const float upper = node[0] + su * (node[1] - node[0]), lower = node[nodes] + su * (node[nodes + 1] - node[nodes]);
    return clamp_unit(0.5f + (upper + sv * (lower - upper) - 0.5f) * edge);
  });
  if (turn.cosine < 0) {  // either colour may be the ground
    for (float& value : field) value = 1 - value;
  }
}

void draw_gradient(Stream& stream, Field& field) {
  const float slope = 1 / between(stream, 24, 44), middle = between(stream, 0.3f, 0.7f);
  fill(field, Rotation::random(stream), 15.5f, 15.5f, [=](float u, float) { return clamp_unit(middle + u * slope); });
}

void draw_field(Stream& stream, int label, Field& field) {
  constexpr float root_half = 0.70710678f;
  switch (label) {
    case horizontal: return draw_stripes(stream, {1, 0}, field);
    case vertical: return draw_stripes(stream, {0, 1}, field);
    case falling: return draw_stripes(stream, {root_half, root_half}, field);
    case rising: return draw_stripes(stream, {root_half, -root_half}, field);
    case checks: return draw_checks(stream, field);
    case rings: return draw_rings(stream, field);
    case dots: return draw_dots(stream, field);
    case sectors: return draw_sectors(stream, field);
    case blobs: return draw_blobs(stream, field);
    default: return draw_gradient(stream, field);
  }
}

using Colour = std::array<float, 3>;

Colour draw_colour(Stream& stream) {
  return {between(stream, 0, 255), between(stream, 0, 255), between(stream, 0, 255)};
}

float distance(const Colour& a, const Colour& b) {
  float sum = 0;
  for (std::size_t c = 0; c < 3; ++c) sum += a[c] < b[c] ? b[c] - a[c] : a[c] - b[c];
  return sum;
}

void paint_tile(Stream& stream, int label, std::span<float> pixels) {
  // As with glyphs, most images are easy and a few are hard: low contrast, strong noise, large parts hidden.
  const float u = between(stream, 0, 1);
  const float hardness = u * u * u * u * u * u;

  Field field;
  draw_field(stream, label, field);

  const float contrast = 240 - 150 * hardness;
  Colour first = draw_colour(stream), second = draw_colour(stream);
  while (distance(first, second) < contrast) first = draw_colour(stream), second = draw_colour(stream);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < area; ++i) pixels[c * area + i] = first[c] + (second[c] - first[c]) * field[i];

  const std::uint64_t patches = stream.below(3);
  for (std::uint64_t k = 0; k < patches; ++k) {
    const Colour colour = draw_colour(stream);
    const auto width = 2 + stream.below(5) + static_cast<std::uint64_t>(8 * hardness);
    const auto height = 2 + stream.below(5) + static_cast<std::uint64_t>(8 * hardness);
    const std::size_t left = stream.below(tile_side - width + 1), top = stream.below(tile_side - height + 1);
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t y = top; y < top + height; ++y)
        for (std::size_t x = left; x < left + width; ++x) pixels[c * area + y * tile_side + x] = colour[c];
  }
  add_noise(stream, 5 + 45 * hardness, pixels);
}

}  // namespace

void draw_tiles(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  draw_split(entry, request, sink, paint_tile);
}

}  // namespace telltale::data
