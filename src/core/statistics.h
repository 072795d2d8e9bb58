// Figures that several tables are made of. The same bits on every CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace telltale {

/// Linear interpolation between the order statistics (R's type 7); 0.5 is the median: of an even count the mean of the
/// two in the middle. NaN if there are no values.
double quantile(std::vector<double> values, double share);
inline double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

/// (1 - p)^trials: that none of so many independent trials succeeds.
double probability_of_none(double p, std::int64_t trials);

/// The least number of trials of which at least one succeeds with the wanted certainty (above 0), each with probability
/// p: the least n with 1 - (1 - p)^n >= certainty. None where no number does, or only one above 2^53.
std::optional<std::int64_t> trials_for(double p, double certainty);

}  // namespace telltale
