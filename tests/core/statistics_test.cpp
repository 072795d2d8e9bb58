#include "core/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace telltale {
namespace {

TEST(Quantiles, InterpolateBetweenNeighbours) {
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.25), 1.75);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0), 1);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
  EXPECT_THROW(quantile({1}, 1.5), Error);
}

TEST(Quantiles, TheMedianOfAnEvenCountLiesInTheMiddle) {
  EXPECT_EQ(median({5, 1}), 3);
  EXPECT_EQ(median({9, 1, 2, 4}), 3);
  EXPECT_EQ(median({9, 1, 2}), 2);
}

TEST(Trials, AreTheLeastThatReachTheCertainty) {
  EXPECT_EQ(trials_for(0.8, 0.9), 2);    // 1 - 0.2^2 = 0.96
  EXPECT_EQ(trials_for(0.5, 0.875), 3);  // exactly
  EXPECT_EQ(trials_for(0.9, 0.99), 2);
  EXPECT_EQ(trials_for(0.99, 0.99), 1);
  EXPECT_EQ(trials_for(1, 0.99), 1);
  EXPECT_EQ(trials_for(0.25, 0.99), 17);  // 0.75^16 = 0.01002, 0.75^17 = 0.00752
  EXPECT_EQ(trials_for(0.001, 0.9), 2302);
  EXPECT_EQ(trials_for(1e-6, 0.9), 2302584);
  EXPECT_EQ(trials_for(1e-12, 0.9), 2302585092993);
}

TEST(Trials, AreNoneWhereNothingEverSucceeds) {
  EXPECT_FALSE(trials_for(0, 0.9));
  EXPECT_FALSE(trials_for(0.5, 1));
  EXPECT_FALSE(trials_for(1e-300, 0.9));
  EXPECT_THROW(trials_for(1.5, 0.9), Error);
}

}  // namespace
}  // namespace telltale
