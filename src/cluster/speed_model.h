// How long items take, learnt from those that were measured.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace telltale::cluster {

/// One environment's measured/estimated seconds, kept apart by the order of magnitude of the cost (powers of two),
/// because items of like cost are mostly of a kind.
class SpeedModel {
 public:
  /// `speed` is relative to 1, until something was measured.
  explicit SpeedModel(double speed = 1) : speed_(speed) {}

  [[nodiscard]] double speed() const { return speed_; }
  /// An item of this cost took so long.
  void add(double cost_s, double measured_s);
  /// Seconds that an item of this cost will take; nothing for one of unknown cost (0) before one like it was measured.
  [[nodiscard]] std::optional<double> estimate(double cost_s) const;

 private:
  struct Measure {
    double seconds = 0;
    double cost = 0;
    bool seen = false;
    void add(double measured_s, double estimated_s);
  };
  static constexpr std::size_t magnitudes = 64;
  static std::size_t magnitude(double cost_s);

  double speed_;
  Measure all_;
  std::array<Measure, magnitudes> by_magnitude_{};
};

}  // namespace telltale::cluster
