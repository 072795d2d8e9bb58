// The draws of a search on floats: all machines are asked at copies of the boundary point jittered by last bits.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "forensics/walker.h"

namespace telltale::forensics {
namespace {

constexpr int draws_of_a_place = 24;  // then another place of the boundary is tried
constexpr std::size_t jittered = 8;   // values that a draw moves
constexpr double jitter_step = 0x1p-24;

class FloatSearch {
 public:
  explicit FloatSearch(Walker& walker) : walker_(walker) {}

  void run() {
    double amplitude = jitter_step;
    while (!walker_.spent()) {
      if (!walker_.newton()) {
        if (walker_.ending() == Ending::no_slope) return;
        wander();
        continue;
      }
      for (int draw = 0; draw < draws_of_a_place && !walker_.spent(); ++draw) {
        if (walker_.ask_all()) return;
        if (walker_.overtaken() || std::abs(walker_.here().margin) > 64 * walker_.here().noise) break;
        // Where no wanted machine lies outermost, rounding must be drawn anew by more.
        amplitude = walker_.aim().has_gap ? jitter_step : std::min(2 * amplitude, 1e-4);
        walker_.move_to(drawn(walker_.aim().shift, amplitude));
      }
      if (walker_.spent()) break;
      wander();
    }
    walker_.fail(Ending::evaluation_limit);
  }

 private:
  // Some values moved by last bits, and then those with the steepest slopes, until the margin has moved by `shift`.
  [[nodiscard]] Point drawn(double shift, double amplitude) {
    const Place& here = walker_.here();
    Point moved = here.point;
    double left = shift;
    const auto move = [&](std::size_t i, double by) {
      const float value = walker_.bound(static_cast<double>(moved[i]) + by);
      left -= static_cast<double>(here.slope[i]) * (static_cast<double>(value) - static_cast<double>(moved[i]));
      moved[i] = value;
    };
    Stream& draws = walker_.draws();
    for (std::size_t k = 0; k < jittered; ++k) {
      const double by = draws.uniform(-amplitude, amplitude);  // before its value: the order of draws is the search's
      move(draws.below(moved.size()), by);
    }
    for (const std::size_t i : steepest()) {
      if (std::abs(left) < here.noise / 100) break;
      move(i, left / static_cast<double>(here.slope[i]));
    }
    return moved;
  }

  // A few of the values with the largest slopes, the largest first.
  [[nodiscard]] std::vector<std::size_t> steepest() const {
    constexpr std::size_t some = 8;
    const Point& slope = walker_.here().slope;
    std::vector<std::size_t> order(slope.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t count = std::min(some, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](std::size_t a, std::size_t b) {
                        const float left = std::abs(slope[a]), right = std::abs(slope[b]);
                        return left != right ? left > right : a < b;
                      });
    order.resize(count);
    std::erase_if(order, [&](std::size_t i) { return slope[i] == 0; });
    return order;
  }

  // To another place of the boundary nearby: a jitter that can be seen in no picture, and a new slope.
  void wander() {
    wandered_ = std::min(wandered_ * 2, 1e-3);
    Point moved = walker_.here().point;
    for (float& value : moved)
      value = walker_.bound(static_cast<double>(value) + walker_.draws().uniform(-wandered_, wandered_));
    walker_.move_to(std::move(moved));
    walker_.look_with_slope(0);
    if (walker_.overtaken()) {
      walker_.follow_overtaker();
      walker_.look_with_slope(0);
    }
  }

  Walker& walker_;
  double wandered_ = 1e-6;
};

}  // namespace

void search_floats(Walker& walker) { FloatSearch(walker).run(); }

}  // namespace telltale::forensics
