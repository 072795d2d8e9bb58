// Steps on the 8-bit grid, and sets of them that should move the margin by a wanted amount. Combinatorics only: no
// machine is asked here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "forensics/oracle.h"

namespace telltale::forensics {

/// An input on the grid: values 0 .. 255, which stand for 0/255 .. 255/255.
using GridPoint = std::vector<std::int16_t>;

GridPoint to_grid(const Point& point);
Point from_grid(const GridPoint& bytes);

/// A step of 1/255 in one value, and what it should do to the margin.
struct GridStep {
  double effect;
  std::int32_t value;
  std::int8_t direction;

  void apply(GridPoint& bytes) const { move(bytes, direction); }
  void take_back(GridPoint& bytes) const { move(bytes, -direction); }

 private:
  void move(GridPoint& bytes, int by) const {
    auto& byte = bytes[static_cast<std::size_t>(value)];
    byte = static_cast<std::int16_t>(byte + by);
  }
};

/// Every possible step, by its effect as the slope says it. Values without a slope have none.
std::vector<GridStep> every_step(const GridPoint& bytes, const Point& slope);

/// Whether a place is new; asking makes it old.
using IsNew = std::function<bool(const GridPoint&)>;

/// Steps from `base` that should move the margin by `shift`, to a place that is new: the largest ones while it is far,
/// and then one or two, as gentle as possible (small steps cross few kinks, so what they do is what the slope says).
/// `steps`: every_step() there; `noise`: a margin that rounding alone makes. Nothing if there are none.
std::optional<GridPoint> step_by(double shift, double noise, const std::vector<GridStep>& steps, const GridPoint& base,
                                 const IsNew& is_new);

/// A step whose effect at the base was measured.
struct MeasuredStep {
  double effect;
  GridStep step;
  int row, column;
};

/// Steps far apart enough do not change each other's effects.
bool apart(const MeasuredStep& a, const MeasuredStep& b);

struct Combination {
  double miss;  ///< of the shift that is wanted
  std::vector<std::size_t> steps;
};

/// Sets of up to three steps, apart from each other, that should move the margin by `shift`: some tens, the best first.
std::vector<Combination> combinations(double shift, double noise, const std::vector<MeasuredStep>& measured);

}  // namespace telltale::forensics
