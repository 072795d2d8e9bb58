#include "forensics/grid_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace telltale::forensics {
namespace {

// The last one or two steps of step_by(), on values that `next` has as `base` has them.
bool gentle_step(double shift, double tolerance, const std::vector<GridStep>& steps, const GridPoint& base,
                 GridPoint& next, const IsNew& is_new) {
  struct Choice {
    double cost;
    std::size_t first, second;
  };
  constexpr auto single = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t enough = 20000;
  std::vector<Choice> choices;
  const auto from = [&](double effect) {
    return static_cast<std::size_t>(
        std::lower_bound(steps.begin(), steps.end(), effect, [](const GridStep& s, double e) { return s.effect < e; }) -
        steps.begin());
  };
  const auto free = [&](std::size_t k) {
    const auto value = static_cast<std::size_t>(steps[k].value);
    return next[value] == base[value];
  };
  for (std::size_t k = from(shift - tolerance); k < steps.size() && steps[k].effect <= shift + tolerance; ++k)
    if (free(k)) choices.push_back({std::abs(steps[k].effect), k, single});
  for (std::size_t k = 0; k < steps.size() && choices.size() < enough; ++k) {
    if (!free(k)) continue;
    const double rest = shift - steps[k].effect;
    for (std::size_t j = from(rest - tolerance); j < steps.size() && steps[j].effect <= rest + tolerance; ++j) {
      if (j <= k || steps[j].value == steps[k].value || !free(j)) continue;
      choices.push_back({std::abs(steps[k].effect) + std::abs(steps[j].effect), k, j});
    }
  }
  std::sort(choices.begin(), choices.end(), [](const Choice& x, const Choice& y) {
    return x.cost != y.cost ? x.cost < y.cost : std::pair(x.first, x.second) < std::pair(y.first, y.second);
  });
  for (const Choice& choice : choices) {
    steps[choice.first].apply(next);
    if (choice.second != single) steps[choice.second].apply(next);
    if (is_new(next)) return true;
    steps[choice.first].take_back(next);
    if (choice.second != single) steps[choice.second].take_back(next);
  }
  return false;
}

}  // namespace

GridPoint to_grid(const Point& point) {
  GridPoint bytes;
  bytes.reserve(point.size());
  for (const float value : point)
    bytes.push_back(static_cast<std::int16_t>(std::lround(255 * std::clamp(static_cast<double>(value), 0.0, 1.0))));
  return bytes;
}

Point from_grid(const GridPoint& bytes) {
  Point point;
  point.reserve(bytes.size());
  for (const std::int16_t byte : bytes) point.push_back(static_cast<float>(byte) / 255.0F);
  return point;
}

std::vector<GridStep> every_step(const GridPoint& bytes, const Point& slope) {
  std::vector<GridStep> steps;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int direction : {-1, 1}) {
      const int value = bytes[i] + direction;
      if (value < 0 || value > 255 || slope[i] == 0) continue;
      steps.push_back({direction * static_cast<double>(slope[i]) / 255, static_cast<std::int32_t>(i),
                       static_cast<std::int8_t>(direction)});
    }
  std::sort(steps.begin(), steps.end(), [](const GridStep& a, const GridStep& b) {
    return a.effect != b.effect ? a.effect < b.effect : a.value < b.value;
  });
  return steps;
}

std::optional<GridPoint> step_by(double shift, double noise, const std::vector<GridStep>& steps, const GridPoint& base,
                                 const IsNew& is_new) {
  if (steps.empty()) return std::nullopt;
  GridPoint next = base;
  // Sorted by effect: those of the wanted sign that do most stand at one end.
  std::size_t strides = 0;
  const auto stride = [&]() -> const GridStep& {
    return shift > 0 ? steps[steps.size() - 1 - strides] : steps[strides];
  };
  while (strides + 2 < steps.size() && std::abs(shift) > std::abs(stride().effect) && shift * stride().effect > 0) {
    stride().apply(next);
    shift -= stride().effect;
    ++strides;
  }
  for (double tolerance = std::max(noise / 16, std::abs(shift) / 1000); tolerance < 1; tolerance *= 8)
    if (gentle_step(shift, tolerance, steps, base, next, is_new)) return next;
  return std::nullopt;
}

bool apart(const MeasuredStep& a, const MeasuredStep& b) {
  constexpr int reach = 8;
  return std::abs(a.row - b.row) > reach || std::abs(a.column - b.column) > reach;
}

std::vector<Combination> combinations(double shift, double noise, const std::vector<MeasuredStep>& measured) {
  constexpr std::size_t wanted = 48;
  std::vector<std::size_t> order(measured.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return measured[a].effect != measured[b].effect ? measured[a].effect < measured[b].effect : a < b;
  });
  const auto from = [&](double effect) {
    return std::lower_bound(order.begin(), order.end(), effect,
                            [&](std::size_t k, double e) { return measured[k].effect < e; });
  };
  std::vector<Combination> found;
  for (double tolerance = noise / 2; found.size() < wanted && tolerance <= 1024 * noise; tolerance *= 2) {
    found.clear();
    const auto complete = [&](std::vector<std::size_t> chosen, double sum) {
      const double rest = shift - sum;
      for (auto at = from(rest - tolerance); at != order.end() && measured[*at].effect <= rest + tolerance; ++at) {
        const std::size_t k = *at;
        if (!chosen.empty() && k <= chosen.back()) continue;
        if (!std::all_of(chosen.begin(), chosen.end(), [&](std::size_t c) { return apart(measured[c], measured[k]); }))
          continue;
        chosen.push_back(k);
        found.push_back({std::abs(rest - measured[k].effect), chosen});
        chosen.pop_back();
      }
    };
    complete({}, 0);
    for (std::size_t i = 0; i < measured.size(); ++i) {
      complete({i}, measured[i].effect);
      for (std::size_t j = i + 1; j < measured.size(); ++j)
        if (apart(measured[i], measured[j])) complete({i, j}, measured[i].effect + measured[j].effect);
    }
  }
  // Few steps interfere less than many.
  std::sort(found.begin(), found.end(), [](const Combination& a, const Combination& b) {
    return a.steps.size() != b.steps.size() ? a.steps.size() < b.steps.size()
           : a.miss != b.miss               ? a.miss < b.miss
                                            : a.steps < b.steps;
  });
  if (found.size() > wanted) found.resize(wanted);
  return found;
}

}  // namespace telltale::forensics
