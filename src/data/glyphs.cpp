#include <array>
#include <cmath>
#include <vector>

#include "data/generated.h"
#include "data/glyph_strokes.h"

namespace telltale::data {
namespace {

constexpr int side = 28;
using Canvas = std::array<float, side * side>;

struct Segment {
  Point from, along;
  float inverse_square;  ///< 1 / length^2, 0 for a point
};

/// From the pen's box to pixels.
struct Affine {
  float xx, xy, yx, yy;
  Point centre;

  [[nodiscard]] Point operator()(Point p) const {
    return {centre.x + xx * p.x + xy * p.y, centre.y + yx * p.x + yy * p.y};
  }
};

class Pen {
 public:
  void line(Point from, Point to) {
    const Point along{to.x - from.x, to.y - from.y};
    const float square = along.x * along.x + along.y * along.y;
    segments_.push_back({from, along, square > 0 ? 1 / square : 0});
  }

  /// A uniform quadratic B-spline that starts in the first and ends in the last point.
  void curve(const std::vector<Point>& points) {
    constexpr int steps = 3;  // straight pieces for one arc: enough at this size
    Point start = points.front();
    for (std::size_t i = 1; i + 1 < points.size(); ++i) {
      const Point control = points[i], next = points[i + 1];
      const Point end = i + 2 == points.size() ? next : Point{(control.x + next.x) / 2, (control.y + next.y) / 2};
      Point previous = start;
      for (int step = 1; step <= steps; ++step) {
        const float t = static_cast<float>(step) / steps, s = 1 - t;
        const Point p{s * s * start.x + 2 * s * t * control.x + t * t * end.x,
                      s * s * start.y + 2 * s * t * control.y + t * t * end.y};
        line(previous, p);
        previous = p;
      }
      start = end;
    }
  }

  /// How much of each pixel lies within `radius` of a line, 0 to 1, softened over one pixel. Forgets the lines.
  Canvas coverage(float radius) {
    constexpr float far_away = 1e6f;
    Canvas square;
    square.fill(far_away);
    const float reach = radius + 1;
    for (const Segment& segment : segments_) {
      const float top = segment.from.y + (segment.along.y < 0 ? segment.along.y : 0) - reach;
      const float bottom = segment.from.y + (segment.along.y > 0 ? segment.along.y : 0) + reach;
      const int first = top < 0 ? 0 : static_cast<int>(top);
      const int last = bottom > side - 1 ? side - 1 : static_cast<int>(bottom);
      for (int y = first; y <= last; ++y) {
        float* const row = square.data() + y * side;
        const float py = static_cast<float>(y) - segment.from.y;
        for (int x = 0; x < side; ++x) {
          const float px = static_cast<float>(x) - segment.from.x;
          const float t = clamp_unit((px * segment.along.x + py * segment.along.y) * segment.inverse_square);
          const float dx = px - t * segment.along.x, dy = py - t * segment.along.y;
          const float distance = dx * dx + dy * dy;
          row[x] = distance < row[x] ? distance : row[x];
        }
      }
    }
    segments_.clear();
    for (float& value : square) value = clamp_unit(radius + 0.5f - std::sqrt(value));
    return square;
  }

 private:
  std::vector<Segment> segments_;
};

void paint_strokes(Stream& stream, const std::vector<Stroke>& strokes, std::span<float> pixels) {
  // Most images are tidy, a few are hard: the errors a network makes should come from a tail, as with handwriting.
  const float u = between(stream, 0, 1);
  const float hardness = u * u * u * u;

  const Rotation turn = Rotation::by_half_tangent(between(stream, -0.11f, 0.11f) * (1 + hardness));
  const float width = between(stream, 5.0f, 8.5f), height = between(stream, 7.5f, 10.5f);
  const float shear = between(stream, -0.25f, 0.25f);
  // pixel = turn * shear * stretch * point
  const Affine place{width * turn.cosine,
                     height * (shear * turn.cosine - turn.sine),
                     width * turn.sine,
                     height * (shear * turn.sine + turn.cosine),
                     {13.5f + between(stream, -2, 2), 13.5f + between(stream, -2, 2)}};

  Pen pen;
  const float wobble = 0.09f + 0.20f * hardness;
  for (const Stroke& stroke : strokes) {
    if (stroke.chance < 1 && between(stream, 0, 1) >= stroke.chance) continue;
    std::vector<Point> points = stroke.points;
    for (Point& p : points) p = place({p.x + between(stream, -wobble, wobble), p.y + between(stream, -wobble, wobble)});
    if (stroke.line == Line::curved) {
      pen.curve(points);
    } else {
      for (std::size_t i = 1; i < points.size(); ++i) pen.line(points[i - 1], points[i]);
    }
  }
  const float radius = between(stream, 0.6f, 1.6f);
  const float strength = between(stream, 150, 255) * (1 - 0.4f * hardness);
  const Canvas ink = pen.coverage(radius);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = strength * ink[i];

  // Stray marks, and now and then a scratch that wipes a piece of the digit away.
  const auto mark = [&](float length) {
    const Point from{between(stream, 1, 26), between(stream, 1, 26)};
    const Rotation direction = Rotation::random(stream);
    pen.line(from, {from.x + length * direction.cosine, from.y + length * direction.sine});
  };
  const std::uint64_t marks = stream.below(3);
  for (std::uint64_t k = 0; k < marks; ++k) mark(between(stream, 1, 3 + 6 * hardness));
  if (marks > 0) {
    const float mark_strength = between(stream, 60, 200);
    const Canvas stray = pen.coverage(between(stream, 0.4f, 1));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const float value = mark_strength * stray[i];
      pixels[i] = value > pixels[i] ? value : pixels[i];
    }
  }
  if (between(stream, 0, 1) < 0.08f + 0.4f * hardness) {
    mark(between(stream, 8, 24));
    const Canvas scratch = pen.coverage(between(stream, 0.5f, 1.2f + hardness));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] *= 1 - scratch[i];
  }
  add_noise(stream, 6 + 40 * hardness, pixels);
}

}  // namespace

void draw_glyphs(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  draw_split(entry, request, sink, [](Stream& stream, int label, std::span<float> pixels) {
    paint_strokes(stream, digit_strokes()[static_cast<std::size_t>(label)], pixels);
  });
}

void draw_letters(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  draw_split(entry, request, sink, [](Stream& stream, int label, std::span<float> pixels) {
    paint_strokes(stream, letter_strokes()[static_cast<std::size_t>(label)], pixels);
  });
}

}  // namespace telltale::data
