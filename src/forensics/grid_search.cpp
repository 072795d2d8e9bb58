// The search on the 8-bit grid. A slope does not say precisely enough what a step of 1/255 does: it crosses kinks. But
// what steps do that were *measured* one by one adds up almost exactly where they lie far apart. So some tens are
// measured, and of all their pairs and triples those are tried whose sum is the shift that is wanted.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/identity.h"
#include "forensics/grid_steps.h"
#include "forensics/walker.h"

namespace telltale::forensics {
namespace {

constexpr int slope_steps = 8;  // at most, until single steps may reach the boundary
constexpr std::size_t measured_at_once = 56;
constexpr int tries_of_a_base = 64;
constexpr int misses_in_a_row = 16;

// Places of the grid where we have been.
class Places {
 public:
  /// True the first time.
  bool add(const GridPoint& bytes) {
    const ByteSpan raw(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size() * sizeof(std::int16_t));
    return places_.insert(Identity::of(raw)).second;
  }

 private:
  std::unordered_set<Identity> places_;
};

class GridSearch {
 public:
  explicit GridSearch(Walker& walker) : walker_(walker) {}

  void run() {
    go_to(to_grid(walker_.here().point));
    if (!walker_.look_with_slope(0)) return;
    while (!walker_.spent()) {
      if (!come_near()) return;
      const GridPoint base = bytes_;
      const double base_margin = margin();
      if (try_here()) return;
      std::vector<MeasuredStep> measured;
      if (measure(base, base_margin, measured)) return;
      if (combine(base, base_margin, measured)) return;
      // On to another base: the best place of this one, and what steps do there.
      if (!walker_.look_with_slope(aimed_)) return;
    }
    walker_.fail(Ending::evaluation_limit);
  }

 private:
  [[nodiscard]] double margin() const { return walker_.here().margin; }
  [[nodiscard]] double noise() const { return walker_.here().noise; }
  [[nodiscard]] double miss_of(double margin) const { return std::abs(margin - aimed_); }

  void go_to(GridPoint bytes) {
    bytes_ = std::move(bytes);
    walker_.move_to(from_grid(bytes_));
  }

  // By slopes: near enough that a few single steps more may reach the boundary. False: the attempt has failed.
  bool come_near() {
    for (int attempt = 0; attempt < slope_steps && !walker_.spent(); ++attempt) {
      const std::vector<GridStep> steps = every_step(bytes_, walker_.here().slope);
      if (steps.empty()) return walker_.fail(Ending::no_slope);
      const double largest = std::max(std::abs(steps.front().effect), std::abs(steps.back().effect));
      if (std::abs(margin()) <= largest && !walker_.overtaken()) return true;
      if (walker_.overtaken()) {
        walker_.follow_overtaker();
      } else {
        auto next =
            step_by(-margin(), noise(), steps, bytes_, [this](const GridPoint& bytes) { return looked_.add(bytes); });
        if (!next) return true;
        go_to(std::move(*next));
      }
      if (!walker_.look_with_slope(0)) return false;
    }
    return true;
  }

  // Asks all machines if rounding may part them here; moves `aimed_` to where zero should lie. True on success.
  bool try_here() {
    if (miss_of(margin()) > noise() || walker_.overtaken() || !visited_.add(bytes_)) return false;
    if (walker_.ask_all()) return true;
    aimed_ = std::clamp(margin() + walker_.aim().shift, -4 * noise(), 4 * noise());
    return false;
  }

  // What some single steps from the base do. True on success.
  bool measure(const GridPoint& base, double base_margin, std::vector<MeasuredStep>& measured) {
    const int width = walker_.options().width, plane = walker_.options().height * width;
    std::vector<GridStep> steps = every_step(bytes_, walker_.here().slope);
    for (std::size_t k = 0; k < steps.size() && measured.size() < measured_at_once && !walker_.spent(); ++k) {
      std::swap(steps[k], steps[k + walker_.draws().below(steps.size() - k)]);
      const GridStep& step = steps[k];
      GridPoint next = base;
      step.apply(next);
      go_to(std::move(next));
      walker_.look(aimed_);
      if (walker_.overtaken()) continue;
      const int place = step.value % plane;
      measured.push_back({margin() - base_margin, step, place / width, place % width});
      if (try_here()) return true;
    }
    return false;
  }

  // Combinations of the measured steps; then goes to the best place of all. True on success.
  bool combine(const GridPoint& base, double base_margin, const std::vector<MeasuredStep>& measured) {
    GridPoint nearest = base;
    double nearest_margin = base_margin;
    int misses = 0;
    for (int tries = 0; tries < tries_of_a_base && misses < misses_in_a_row && !walker_.spent();) {
      const double wanted = aimed_;
      bool tried = false;
      for (const Combination& combination : combinations(wanted - base_margin, noise(), measured)) {
        if (tries == tries_of_a_base || misses == misses_in_a_row || walker_.spent() || aimed_ != wanted) break;
        GridPoint next = base;
        for (const std::size_t k : combination.steps) measured[k].step.apply(next);
        if (!looked_.add(next)) continue;
        go_to(std::move(next));
        walker_.look(aimed_);
        tried = true;
        ++tries;
        ++misses;
        if (miss_of(margin()) <= noise()) misses = 0;
        if (miss_of(margin()) < miss_of(nearest_margin)) {
          nearest = bytes_;
          nearest_margin = margin();
        }
        if (try_here()) return true;
      }
      if (!tried) break;
    }
    go_to(std::move(nearest));
    return false;
  }

  Walker& walker_;
  GridPoint bytes_;   // of the point where the walker is
  double aimed_ = 0;  // where the local machine's margin should come to lie
  Places visited_;    // that all machines were asked about
  Places looked_;     // or one was
};

}  // namespace

void search_grid(Walker& walker) { GridSearch(walker).run(); }

}  // namespace telltale::forensics
