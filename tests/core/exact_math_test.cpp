#include "core/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/identity.h"

namespace telltale {
namespace {

// Reference values: mpmath with 50 digits.
void expect_close(double value, double reference) { EXPECT_NEAR(value / reference, 1, 1e-15); }

TEST(ExactMath, LogarithmsAreThoseOfAReference) {
  expect_close(exact::log(10), 2.3025850929940457);
  expect_close(exact::log(0.3), -1.2039728043259361);
  expect_close(exact::log(1.0001), 9.9995000333297323e-05);
  expect_close(exact::log(5e-324), -744.44007192138122);
  expect_close(exact::log2(10), 3.3219280948873622);
  expect_close(exact::log10(2), 0.30102999566398120);
  expect_close(exact::log1p(1e-10), 9.9999999995000000e-11);
  expect_close(exact::log1p(-0.9), -2.3025850929940459);
  EXPECT_EQ(exact::log2(8), 3);
  EXPECT_EQ(exact::log(1), 0);
  EXPECT_EQ(exact::log1p(0), 0);
}

TEST(ExactMath, LogarithmsOfWhatHasNone) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const auto log : {exact::log, exact::log2, exact::log10}) {
    EXPECT_EQ(log(0), -infinity);
    EXPECT_EQ(log(infinity), infinity);
    EXPECT_TRUE(std::isnan(log(-1)));
    EXPECT_TRUE(std::isnan(log(NAN)));
  }
  EXPECT_EQ(exact::log1p(-1), -infinity);
}

TEST(ExactMath, TheExponentialIsThatOfAReference) {
  expect_close(exact::exp(1), 2.7182818284590452);
  expect_close(exact::exp(-0.3), 0.74081822068171786);
  expect_close(exact::exp(700), 1.0142320547350045e304);
  EXPECT_EQ(exact::exp(0), 1);
  EXPECT_EQ(exact::exp(-std::numeric_limits<double>::infinity()), 0);
  EXPECT_TRUE(std::isinf(exact::exp(1000)));
  EXPECT_TRUE(std::isnan(exact::exp(NAN)));
}

TEST(ExactMath, PowersAreProducts) {
  EXPECT_EQ(exact::power(0.5, 3), 0.125);
  EXPECT_EQ(exact::power(0, 0), 1);
  EXPECT_EQ(exact::power(3, 13), 1594323);
  EXPECT_THROW(exact::power(2, -1), Error);
}

TEST(ExactMath, TheGammaFunctionGivesFactorialsAndRoots) {
  expect_close(exact::log_gamma(11), exact::log(3628800));
  expect_close(exact::log_gamma(0.5), 0.57236494292470009);  // of the square root of pi
  expect_close(exact::log_gamma(1e5), 1051287.7089736568);
  EXPECT_NEAR(exact::log_gamma(1), 0, 1e-14);
  EXPECT_THROW(exact::log_gamma(0), Error);
}

TEST(ExactMath, TheIncompleteBetaFunctionIsTheBinomialTail) {
  // P(Bin(4, 0.3) >= 2) = 6 0.09 0.49 + 4 0.027 0.7 + 0.0081
  EXPECT_NEAR(exact::incomplete_beta(2, 3, 0.3), 0.3483, 1e-15);
  EXPECT_NEAR(exact::incomplete_beta(0.5, 0.5, 0.5), 0.5, 1e-14);
  EXPECT_NEAR(exact::incomplete_beta(1, 1, 0.25), 0.25, 1e-15);
  EXPECT_NEAR(exact::incomplete_beta(5000, 5000, 0.5), 0.5, 1e-11);
  EXPECT_EQ(exact::incomplete_beta(3, 4, 0), 0);
  EXPECT_EQ(exact::incomplete_beta(3, 4, 1), 1);
  EXPECT_THROW(exact::incomplete_beta(0, 1, 0.5), Error);
  EXPECT_NEAR(exact::beta_quantile(2, 3, 0.3483), 0.3, 1e-14);
  EXPECT_NEAR(exact::beta_quantile(1, 9, 1e-6), 1.1111116049e-7, 1e-16);
}

// The bits are a promise to every results file.
TEST(ExactMath, GivesTheSameBitsEverywhere) {
  ByteWriter writer;
  for (int i = 1; i <= 500; ++i) {
    const double share = i / 501.0, wide = i * 37.25 / 16;
    for (const double value :
         {exact::log2(share), exact::log(wide), exact::log10(share), exact::log1p(-share), exact::exp(-wide),
          exact::power(share, i), exact::log_gamma(wide), exact::incomplete_beta(i / 2.0, 20.5, share)})
      writer.put(value);
  }
  EXPECT_EQ(Identity::of(ByteSpan(writer.bytes())).hex(),
            "45abc6aede738647807264d1256495a34f740d0483fcb94a07544e2cca7513fe");
}

}  // namespace
}  // namespace telltale
