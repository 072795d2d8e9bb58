// Verification: when a verdict is reached, how often it is right, how many queries it takes; intervals of what is
// measured. Formulas of Zhong et al. 2020, sections 3.2 and 4.2; `p` is the probability that one key sample gets its
// label. The same bits on every CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace telltale::watermark {

/// Ver of the new label: one answer Delta proves it.
bool new_label_found(std::int64_t hits);
/// Acc(q) = 1 - (1 - p)^q: the probability that at least one of `queries` gets the new label.
double new_label_accuracy(double p, std::int64_t queries);
/// E[q] = [1 - (K p + 1)(1 - p)^K] / p as the paper has it: the mean number of queries to the first hit, where a search
/// through all K keys without one counts as 0. 0, its limit, for p = 0.
double new_label_mean_queries(double p, std::int64_t keys);

/// The share of missed labels that the paper's examples let a backdoor have (Sec. 4.2).
inline constexpr double backdoor_tau = 0.3;
/// Ver of the backdoor: no more than the share `tau` of the answers misses the label.
bool backdoor_found(std::int64_t misses, std::int64_t queries, double tau);
/// Acc(K) = sum over t = 0 .. floor(tau K) of C(K, t) (1 - p)^t p^(K - t).
double backdoor_accuracy(double p, std::int64_t queries, double tau);

/// Which numbers of queries reach an accuracy. It need not grow with every query: floor(tau K) moves in steps.
struct QueriesNeeded {
  std::optional<std::int64_t> smallest;  ///< none: no number up to the limit reaches it
  std::vector<std::int64_t> exceptions;  ///< numbers above `smallest` that fall below the accuracy again
  /// From here on every number reaches it, to the limit at least; none: the limit does not, or all is in vain.
  std::optional<std::int64_t> settled;
  bool impossible = false;  ///< however many queries there are, the accuracy never settles
  std::int64_t limit = 0;   ///< the largest number that was asked about
};

/// In closed form; the limit is 2^53. Impossible for p = 0.
QueriesNeeded new_label_queries(double p, double accuracy);
/// Every number from 1 to `limit`. Impossible where a key sample misses at least as often as `tau` lets it, p <= 1 -
/// tau: then the accuracy tends to 0, or 1/2 (p = 0 among them, but not with tau = 1, which proves anything).
/// `accuracy` above 1/2.
QueriesNeeded backdoor_queries(double p, double tau, double accuracy, std::int64_t limit = 1000000);

struct Interval {
  double low = 0;
  double high = 0;
};

/// Clopper and Pearson's interval of a probability, after `successes` in `trials`; throws Error for impossible counts.
Interval clopper_pearson(std::int64_t successes, std::int64_t trials, double confidence = 0.95);

/// Of repeats.
struct Summary {
  std::int64_t count = 0;
  double mean = 0;
  double deviation = 0;  ///< sample standard deviation; NaN for a single value
  Interval interval;     ///< Student's t interval of the mean; NaN for a single value
};

/// Throws Error if there are no values.
Summary summarise(std::span<const double> values, double confidence = 0.95);

}  // namespace telltale::watermark
