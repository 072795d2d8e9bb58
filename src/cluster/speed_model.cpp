#include "cluster/speed_model.h"

#include <algorithm>
#include <cmath>

namespace telltale::cluster {

void SpeedModel::Measure::add(double measured_s, double estimated_s) {
  constexpr double weight = 0.1;
  seconds = seen ? seconds + weight * (measured_s - seconds) : measured_s;
  cost = seen ? cost + weight * (estimated_s - cost) : estimated_s;
  seen = true;
}

std::size_t SpeedModel::magnitude(double cost_s) {
  if (!(cost_s > 0)) return 0;
  const int exponent = std::ilogb(cost_s) + 32;  // 2^-31 s to 2^31 s
  return static_cast<std::size_t>(std::clamp(exponent, 1, static_cast<int>(magnitudes) - 1));
}

void SpeedModel::add(double cost_s, double measured_s) {
  by_magnitude_[magnitude(cost_s)].add(measured_s, cost_s);
  if (cost_s > 0) all_.add(measured_s, cost_s);
}

std::optional<double> SpeedModel::estimate(double cost_s) const {
  const Measure& alike = by_magnitude_[magnitude(cost_s)];
  if (cost_s <= 0) return alike.seen ? std::optional(alike.seconds) : std::nullopt;
  if (alike.seen) return cost_s * alike.seconds / alike.cost;
  if (all_.seen) return cost_s * all_.seconds / all_.cost;
  return cost_s / speed_;
}

}  // namespace telltale::cluster
