#include "watermark/verification.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

void require_probability(double p) {
  if (!(p >= 0 && p <= 1)) throw Error("a probability lies between 0 and 1");
}

void require_queries(std::int64_t queries) {
  if (queries < 1) throw Error("a verification asks at least one query");
}

template <typename Accuracy>
QueriesNeeded search(double accuracy, std::int64_t limit, Accuracy accuracy_of) {
  require_queries(limit);
  QueriesNeeded needed;
  for (std::int64_t queries = 1; queries <= limit; ++queries) {
    if (accuracy_of(queries) >= accuracy) {
      if (!needed.smallest) needed.smallest = queries;
      if (!needed.settled) needed.settled = queries;
    } else if (needed.smallest) {
      needed.exceptions.push_back(queries);
      needed.settled.reset();
    }
  }
  return needed;
}

}  // namespace

bool new_label_found(std::int64_t hits) { return hits > 0; }

double new_label_accuracy(double p, std::int64_t queries) {
  require_probability(p);
  require_queries(queries);
  return 1 - std::pow(1 - p, static_cast<double>(queries));
}

double new_label_mean_queries(double p, std::int64_t keys) {
  require_probability(p);
  require_queries(keys);
  if (p == 0) return 0;
  const auto count = static_cast<double>(keys);
  return (1 - (count * p + 1) * std::pow(1 - p, count)) / p;
}

bool backdoor_found(std::int64_t misses, std::int64_t queries, double tau) {
  require_queries(queries);
  return misses <= floor_of(tau, queries);
}

double backdoor_accuracy(double p, std::int64_t queries, double tau) {
  require_probability(p);
  require_probability(tau);
  require_queries(queries);
  const boost::math::binomial_distribution<double> misses(static_cast<double>(queries), 1 - p);
  return boost::math::cdf(misses, static_cast<double>(floor_of(tau, queries)));
}

QueriesNeeded new_label_queries(double p, double accuracy, std::int64_t limit) {
  return search(accuracy, limit, [&](std::int64_t queries) { return new_label_accuracy(p, queries); });
}

QueriesNeeded backdoor_queries(double p, double tau, double accuracy, std::int64_t limit) {
  return search(accuracy, limit, [&](std::int64_t queries) { return backdoor_accuracy(p, queries, tau); });
}

Interval clopper_pearson(std::int64_t successes, std::int64_t trials, double confidence) {
  if (trials < 1 || successes < 0 || successes > trials) throw Error("an interval of impossible counts is asked for");
  using Binomial = boost::math::binomial_distribution<double>;
  const double tail = (1 - confidence) / 2;
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(successes);
  return {Binomial::find_lower_bound_on_p(n, k, tail), Binomial::find_upper_bound_on_p(n, k, tail)};
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
  const boost::math::students_t_distribution<double> student(count - 1);
  const double half = boost::math::quantile(boost::math::complement(student, (1 - confidence) / 2)) *
                      summary.deviation / std::sqrt(count);
  summary.interval = {summary.mean - half, summary.mean + half};
  return summary;
}

}  // namespace telltale::watermark
