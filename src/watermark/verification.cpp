#include "watermark/verification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/exact_math.h"
#include "core/statistics.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

void require_probability(double p) {
  if (!(p >= 0 && p <= 1)) throw Error("a probability lies between 0 and 1");
}

void require_queries(std::int64_t queries) {
  if (queries < 1) throw Error("a verification asks at least one query");
}

// Whether a key sample misses at least as often as a share of `tau` misses is let through; 1 - p has lost a last bit.
bool misses_too_often(double p, double tau) { return 1 - p >= tau * (1 - 2 * std::numeric_limits<double>::epsilon()); }

// P(misses <= allowed), query by query: each costs a few operations.
class MissTail {
 public:
  explicit MissTail(double p) : hit_(p), miss_(1 - p) {}

  /// One more query, after which so many misses are allowed (never fewer than before).
  double ask(std::int64_t allowed) {
    below_ -= miss_ * at_;  // who had all that are allowed, and misses once more
    at_ *= static_cast<double>(queries_ + 1) / static_cast<double>(queries_ + 1 - allowed_) * hit_;
    ++queries_;
    for (; allowed_ < allowed; ++allowed_) {
      at_ *= static_cast<double>(queries_ - allowed_) / static_cast<double>(allowed_ + 1) * (miss_ / hit_);
      below_ += at_;
    }
    return below_;
  }

 private:
  double hit_, miss_;
  std::int64_t queries_ = 0, allowed_ = 0;
  double at_ = 1;     // P(misses = allowed)
  double below_ = 1;  // P(misses <= allowed)
};

// Student's t that lies within +- the result with the given confidence.
double students_t(double freedom, double confidence) {
  // t^2 / (freedom + t^2) has a beta distribution.
  const double share = exact::beta_quantile(0.5, freedom / 2, confidence);
  return std::sqrt(freedom * share / (1 - share));
}

}  // namespace

bool new_label_found(std::int64_t hits) { return hits > 0; }

double new_label_accuracy(double p, std::int64_t queries) {
  require_probability(p);
  require_queries(queries);
  return 1 - probability_of_none(p, queries);
}

double new_label_mean_queries(double p, std::int64_t keys) {
  require_probability(p);
  require_queries(keys);
  if (p == 0) return 0;
  const auto count = static_cast<double>(keys);
  return (1 - (count * p + 1) * probability_of_none(p, keys)) / p;
}

bool backdoor_found(std::int64_t misses, std::int64_t queries, double tau) {
  require_queries(queries);
  return misses <= floor_of(tau, queries);
}

double backdoor_accuracy(double p, std::int64_t queries, double tau) {
  require_probability(p);
  require_probability(tau);
  require_queries(queries);
  const std::int64_t allowed = floor_of(tau, queries);
  if (allowed >= queries) return 1;
  return exact::incomplete_beta(static_cast<double>(queries - allowed), static_cast<double>(allowed + 1), p);
}

QueriesNeeded new_label_queries(double p, double accuracy) {
  require_probability(p);
  QueriesNeeded needed;
  needed.limit = std::int64_t{1} << 53;
  needed.impossible = p == 0;
  needed.smallest = needed.settled = trials_for(p, accuracy);
  return needed;
}

QueriesNeeded backdoor_queries(double p, double tau, double accuracy, std::int64_t limit) {
  require_probability(p);
  require_probability(tau);
  require_queries(limit);
  if (!(accuracy > 0.5 && accuracy < 1)) throw Error("an accuracy to be reached lies between 1/2 and 1");
  QueriesNeeded needed;
  needed.limit = limit;
  if (p == 1 || tau == 1) {
    needed.smallest = needed.settled = 1;
    return needed;
  }
  needed.impossible = misses_too_often(p, tau);
  if (p == 0) return needed;
  // Hoeffding 1963: beyond this number every one is enough, or none. It saves time, and changes nothing.
  const double gap = tau - (1 - p);
  const double sure = std::ceil(-exact::log(needed.impossible ? accuracy : 1 - accuracy) / (2 * gap * gap)) + 1;
  const std::int64_t last = sure < static_cast<double>(limit) ? static_cast<std::int64_t>(sure) : limit;
  MissTail tail(p);
  for (std::int64_t queries = 1; queries <= last; ++queries) {
    const std::int64_t allowed = floor_of(tau, queries);
    if (tail.ask(allowed) >= accuracy) {
      if (!needed.smallest) needed.smallest = queries;
      if (!needed.settled) needed.settled = queries;
    } else if (needed.smallest) {
      needed.exceptions.push_back(queries);
      needed.settled.reset();
    }
  }
  if (needed.impossible) needed.settled.reset();
  return needed;
}

Interval clopper_pearson(std::int64_t successes, std::int64_t trials, double confidence) {
  if (trials < 1 || successes < 0 || successes > trials) throw Error("an interval of impossible counts is asked for");
  const double tail = (1 - confidence) / 2;
  const auto hits = static_cast<double>(successes), misses = static_cast<double>(trials - successes);
  return {successes == 0 ? 0 : exact::beta_quantile(hits, misses + 1, tail),
          successes == trials ? 1 : 1 - exact::beta_quantile(misses, hits + 1, tail)};
}

Summary summarise(std::span<const double> values, double confidence) {
  if (values.empty()) throw Error("a summary of no values is asked for");
  const auto count = static_cast<double>(values.size());
  Summary summary;
  summary.count = static_cast<std::int64_t>(values.size());
  summary.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() == 1) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    summary.deviation = nan;
    summary.interval = {nan, nan};
    return summary;
  }
  double squares = 0;
  for (const double value : values) squares += (value - summary.mean) * (value - summary.mean);
  summary.deviation = std::sqrt(squares / (count - 1));
  const double half = students_t(count - 1, confidence) * summary.deviation / std::sqrt(count);
  summary.interval = {summary.mean - half, summary.mean + half};
  return summary;
}

}  // namespace telltale::watermark
