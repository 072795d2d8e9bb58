#include "core/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/exact_math.h"

namespace telltale {

double quantile(std::vector<double> values, double share) {
  if (!(share >= 0 && share <= 1)) throw Error("a quantile's share lies between 0 and 1");
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

double probability_of_none(double p, std::int64_t trials) {
  if (!(p >= 0 && p <= 1)) throw Error("a probability lies between 0 and 1");
  // A product is exact for small numbers. For a small p, 1 - p has lost digits that many trials would show.
  return p > 1e-3 ? exact::power(1 - p, trials) : exact::exp(static_cast<double>(trials) * exact::log1p(-p));
}

std::optional<std::int64_t> trials_for(double p, double certainty) {
  if (!(p >= 0 && p <= 1)) throw Error("a probability lies between 0 and 1");
  if (p == 0 || (certainty >= 1 && p < 1)) return std::nullopt;
  const auto enough = [&](std::int64_t trials) { return 1 - probability_of_none(p, trials) >= certainty; };
  if (enough(1)) return 1;
  const double estimate = exact::log1p(-certainty) / exact::log1p(-p);
  if (!(estimate < 0x1p53)) return std::nullopt;
  // Logarithms may be off by a last bit.
  auto trials = std::max<std::int64_t>(1, std::llround(estimate));
  while (trials > 1 && enough(trials - 1)) --trials;
  while (!enough(trials)) ++trials;
  return trials;
}

}  // namespace telltale
