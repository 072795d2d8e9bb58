// Scores of networks and keys that have nothing to do with each other: each network meets each key, and neither the
// cells of a row nor those of a column are independent trials.
#pragma once

#include <cstddef>
#include <span>

#include "core/random.h"
#include "watermark/verification.h"

namespace telltale::watermark {

struct CrossedNull {
  double mean = 0;
  /// Standard deviations of the components of a two-way random-effects model, score = mean + network + key + rest, by
  /// the method of moments (Searle, Casella and McCulloch 1992, Ch. 4); 0 where the estimate of a variance is below.
  double of_networks = 0, of_keys = 0, of_rest = 0;
  Interval interval;  ///< of the mean, 95%: percentiles of a bootstrap that draws networks and keys independently
};

/// `scores`: networks x keys, row-major. Throws Error unless there are two of each at least. The same bits on every
/// CPU.
CrossedNull crossed_null(std::span<const double> scores, std::size_t networks, std::size_t keys, Stream draws);

}  // namespace telltale::watermark
