#include "core/exact_math.h"

#include <cmath>
#include <limits>

#include "core/error.h"

namespace telltale::exact {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

// artanh(z) / z for |z| < 0.172: 14 terms exceed double precision.
double artanh_over(double z) {
  const double square = z * z;
  double sum = 0;
  for (int n = 27; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return sum;
}

// value = fraction * 2^exponent with a fraction in [sqrt(1/2), sqrt(2)).
struct Parts {
  double fraction;
  int exponent;
};
Parts parts_of(double value) {
  Parts parts{};
  parts.fraction = std::frexp(value, &parts.exponent);
  if (parts.fraction < 0.70710678118654752) {
    parts.fraction *= 2;
    --parts.exponent;
  }
  return parts;
}

// Where a logarithm is no number: false, and `result` is it.
bool has_logarithm(double value, double& result) {
  if (value > 0 && value < infinity) return true;
  result = value == 0 ? -infinity : value == infinity ? infinity : nan;
  return false;
}

// DLMF 8.17.22 by Lentz's method, without the factor before it.
double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  constexpr int most = 1000000;
  const auto away_from_zero = [](double value) { return value > -tiny && value < tiny ? tiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m <= most; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    value *= d * c;
    if (std::abs(d * c - 1) < 3e-16) break;
  }
  return value;
}

}  // namespace

double log2(double value) {
  if (double result = 0; !has_logarithm(value, result)) return result;
  const Parts parts = parts_of(value);
  // ln m = 2 artanh((m - 1) / (m + 1)).
  const double z = (parts.fraction - 1) / (parts.fraction + 1);
  constexpr double two_over_ln2 = 2.8853900817779268;
  return parts.exponent + two_over_ln2 * z * artanh_over(z);
}

double log(double value) {
  if (double result = 0; !has_logarithm(value, result)) return result;
  const Parts parts = parts_of(value);
  const double z = (parts.fraction - 1) / (parts.fraction + 1);
  return parts.exponent * ln2_high + (parts.exponent * ln2_low + 2 * z * artanh_over(z));
}

double log10(double value) { return log2(value) * 0.30102999566398120; }

double log1p(double value) {
  if (!(value > -0.25 && value < 0.4)) return log(1 + value);
  const double z = value / (2 + value);
  return 2 * z * artanh_over(z);
}

double exp(double value) {
  if (std::isnan(value)) return nan;
  if (value > 710) return infinity;
  if (value < -746) return 0;
  const double exponent = std::floor(value * 1.4426950408889634 + 0.5);
  const double rest = (value - exponent * ln2_high) - exponent * ln2_low;  // |rest| < 0.35
  double sum = 1;
  for (int n = 17; n >= 1; --n) sum = 1 + sum * rest / n;
  return std::ldexp(sum, static_cast<int>(exponent));
}

double power(double base, std::int64_t exponent) {
  if (exponent < 0) throw Error("only powers with exponents from 0 on are exact");
  double result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= base;
    base *= base;
  }
  return result;
}

double log_gamma(double value) {
  if (!(value > 0)) throw Error("the gamma function is asked for a value that is not positive");
  // Stirling's series is precise for large values; gamma(x) = gamma(x + 1) / x leads there.
  double below = 1, x = value;
  for (; x < 16; x += 1) below *= x;
  const double inverse = 1 / x, square = inverse * inverse;
  constexpr double terms[] = {1.0 / 156, -691.0 / 360360, 1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12};
  double series = 0;
  for (const double term : terms) series = series * square + term;
  constexpr double half_log_two_pi = 0.91893853320467274;
  return (x - 0.5) * log(x) - x + half_log_two_pi + series * inverse - log(below);
}

double incomplete_beta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) throw Error("the incomplete beta function is asked for out of its range");
  if (x == 0 || x == 1) return x;
  const double front = exp(a * log(x) + b * log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
  // The fraction converges fast on this side.
  if (x <= (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double beta_quantile(double a, double b, double share) {
  if (!(share >= 0 && share <= 1)) throw Error("a share lies between 0 and 1");
  double low = 0, high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    (incomplete_beta(a, b, middle) < share ? low : high) = middle;
  }
}

}  // namespace telltale::exact
