#include "watermark/shares.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/json.h"

namespace telltale::watermark {
namespace {

// Neither the decimal read as a double nor the product is off by more than half a unit in the last place.
double product(double share, std::int64_t count) {
  return share * static_cast<double>(count) * (1 + 2 * std::numeric_limits<double>::epsilon());
}

}  // namespace

std::int64_t nearest_of(double share, std::int64_t count) {
  return static_cast<std::int64_t>(std::floor(product(share, count) + 0.5));
}

std::int64_t floor_of(double share, std::int64_t count) {
  return static_cast<std::int64_t>(std::floor(product(share, count)));
}

std::int64_t images_selected(double alpha, std::int64_t count) {
  const std::int64_t selected = nearest_of(alpha, count);
  if (selected > 0) return selected;
  const auto shown = [](double value) { return canonical(Json(value)); };
  throw InputError("alpha = " + shown(alpha) + " of " + std::to_string(count) +
                   " images selects no image; the smallest share that does is " +
                   shown(0.5 / static_cast<double>(std::max<std::int64_t>(count, 1))));
}

}  // namespace telltale::watermark
