// Functions of the mathematical library that results depend on, from exact IEEE operations alone (+ - * / sqrt, scaling
// by powers of two): libm's, and x87's, may differ between CPUs in the last bit, these give the same bits everywhere.
// Some last bits off the true value at most.
#pragma once

#include <cstdint>

namespace telltale::exact {

/// Of 0: -infinity; of what is negative: NaN.
double log2(double value);
double log(double value);
double log10(double value);
/// log(1 + value), precise for small values too.
double log1p(double value);
double exp(double value);
/// By repeated squaring. `exponent` is 0 or more; power(0, 0) is 1.
double power(double base, std::int64_t exponent);
/// Logarithm of the gamma function, for positive values.
double log_gamma(double value);
/// The regularised incomplete beta function I_x(a, b), for positive a and b and 0 <= x <= 1: the distribution function
/// of the beta distribution. Continued fraction of DLMF 8.17.22.
double incomplete_beta(double a, double b, double x);
/// The x with incomplete_beta(a, b, x) = share.
double beta_quantile(double a, double b, double share);

}  // namespace telltale::exact
