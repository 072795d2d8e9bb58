#include "watermark/shares.h"

#include <cmath>
#include <limits>

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

}  // namespace telltale::watermark
