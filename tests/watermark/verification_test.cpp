#include "watermark/verification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

TEST(Shares, RoundAsTheDecimalSays) {
  EXPECT_EQ(floor_of(0.3, 10), 3);
  EXPECT_EQ(floor_of(0.29, 100), 29);  // 0.29 * 100 is 28.999999999999996
  EXPECT_EQ(floor_of(0.29, 99), 28);
  EXPECT_EQ(floor_of(0, 7), 0);
  EXPECT_EQ(nearest_of(0.001, 60000), 60);
  EXPECT_EQ(nearest_of(0.00145, 10000), 15);  // 14.5, a half goes up
  EXPECT_EQ(nearest_of(0.00144, 10000), 14);
  EXPECT_EQ(nearest_of(1.005, 100), 101);  // 100.49999999999999 as a product
  EXPECT_EQ(nearest_of(0.00001, 40000), 0);
}

TEST(NewLabel, AccuracyIsTheSumOfThePaper) {
  EXPECT_DOUBLE_EQ(new_label_accuracy(0.8, 1), 0.8);
  EXPECT_DOUBLE_EQ(new_label_accuracy(0.8, 2), 0.96);
  EXPECT_DOUBLE_EQ(new_label_accuracy(0.5, 3), 0.875);
  EXPECT_EQ(new_label_accuracy(0, 5), 0);
  EXPECT_EQ(new_label_accuracy(1, 1), 1);
  double sum = 0;
  for (int theta = 0; theta < 7; ++theta) sum += std::pow(0.7, theta) * 0.3;
  EXPECT_NEAR(new_label_accuracy(0.3, 7), sum, 1e-15);
}

// The paper's text says 2 for p = 0.8; its formula gives 1.25.
TEST(NewLabel, MeanQueriesAreTheSumOfThePaper) {
  EXPECT_NEAR(new_label_mean_queries(0.8, 1000), 1.25, 1e-12);
  EXPECT_DOUBLE_EQ(new_label_mean_queries(0.5, 2), 1.0);  // 1 * 0.5 + 2 * 0.25
  EXPECT_EQ(new_label_mean_queries(0, 10), 0);
  EXPECT_EQ(new_label_mean_queries(1, 10), 1);
  double sum = 0;
  for (int i = 0; i < 9; ++i) sum += (i + 1) * std::pow(0.8, i) * 0.2;
  EXPECT_NEAR(new_label_mean_queries(0.2, 9), sum, 1e-14);
}

TEST(NewLabel, QueriesNeededNeverFallBack) {
  const QueriesNeeded needed = new_label_queries(0.8, 0.9);
  EXPECT_EQ(needed.smallest, 2);
  EXPECT_EQ(needed.settled, 2);
  EXPECT_TRUE(needed.exceptions.empty());
  EXPECT_FALSE(new_label_queries(0, 0.9).smallest);
  EXPECT_FALSE(new_label_queries(0, 0.9).settled);
}

TEST(Backdoor, AccuracyIsTheBinomialTailOfThePaper) {
  EXPECT_DOUBLE_EQ(backdoor_accuracy(0.8, 1, 0.3), 0.8);
  EXPECT_NEAR(backdoor_accuracy(0.8, 2, 0.3), 0.64, 1e-15);
  EXPECT_NEAR(backdoor_accuracy(0.8, 4, 0.3), std::pow(0.8, 4) + 4 * 0.2 * std::pow(0.8, 3), 1e-14);
  EXPECT_EQ(backdoor_accuracy(1, 10, 0.3), 1);
  EXPECT_NEAR(backdoor_accuracy(0, 10, 0.3), 0, 1e-15);
  EXPECT_NEAR(backdoor_accuracy(0, 10, 1), 1, 1e-15);
  for (const int count : {10, 33, 40}) {  // the independent path: the sum itself, terms by recurrence
    double term = std::pow(0.8, count);
    double sum = 0;
    for (int theta = 0; theta <= floor_of(0.3, count); ++theta) {
      sum += term;
      term *= 0.2 / 0.8 * (count - theta) / (theta + 1);
    }
    EXPECT_NEAR(backdoor_accuracy(0.8, count, 0.3), sum, 1e-12);
  }
}

// The paper's text says 40; its formula reaches 90% at 20 already, falls below seven times, and holds from 34 on.
TEST(Backdoor, QueriesNeededOfThePapersExample) {
  const QueriesNeeded needed = backdoor_queries(0.8, 0.3, 0.9);
  EXPECT_EQ(needed.smallest, 20);
  EXPECT_EQ(needed.exceptions, (std::vector<std::int64_t>{21, 22, 23, 25, 26, 29, 33}));
  EXPECT_EQ(needed.settled, 34);
}

TEST(Backdoor, LimitInsideAnExceptionLeavesItUnsettled) {
  const QueriesNeeded needed = backdoor_queries(0.8, 0.3, 0.9, 33);
  EXPECT_EQ(needed.smallest, 20);
  EXPECT_FALSE(needed.settled);
}

TEST(Verdicts, FollowTheirDefinitions) {
  EXPECT_FALSE(new_label_found(0));
  EXPECT_TRUE(new_label_found(1));
  EXPECT_TRUE(backdoor_found(3, 10, 0.3));
  EXPECT_FALSE(backdoor_found(4, 10, 0.3));
}

// scipy.stats.beta.ppf(0.025, 8, 3), (0.975, 9, 2); and 1 - 0.025^(1/10), the closed form for no failure.
TEST(ClopperPearson, IsTheBetaQuantiles) {
  const Interval eight = clopper_pearson(8, 10);
  EXPECT_NEAR(eight.low, 0.4439045376923585, 1e-12);
  EXPECT_NEAR(eight.high, 0.9747892736731666, 1e-12);
  const Interval none = clopper_pearson(0, 10);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 1 - std::pow(0.025, 0.1), 1e-12);
  const Interval all = clopper_pearson(10, 10);
  EXPECT_NEAR(all.low, std::pow(0.025, 0.1), 1e-12);
  EXPECT_EQ(all.high, 1);
  EXPECT_THROW(clopper_pearson(11, 10), Error);
  EXPECT_THROW(clopper_pearson(0, 0), Error);
}

// t(0.975; 4 degrees of freedom) = 2.7764451051977987.
TEST(Summary, IsMeanDeviationAndStudentsInterval) {
  const Summary summary = summarise(std::vector<double>{1, 2, 3, 4, 5});
  EXPECT_EQ(summary.count, 5);
  EXPECT_EQ(summary.mean, 3);
  EXPECT_DOUBLE_EQ(summary.deviation, std::sqrt(2.5));
  EXPECT_NEAR(summary.interval.high, 3 + 2.7764451051977987 * std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(summary.interval.low, 3 - 2.7764451051977987 * std::sqrt(0.5), 1e-12);
}

TEST(Summary, OfOneValueHasNoSpread) {
  const Summary summary = summarise(std::vector<double>{0.5});
  EXPECT_EQ(summary.mean, 0.5);
  EXPECT_TRUE(std::isnan(summary.deviation));
  EXPECT_TRUE(std::isnan(summary.interval.low));
  EXPECT_THROW(summarise({}), Error);
}

TEST(Probabilities, OutOfRangeAreRefused) {
  EXPECT_THROW(new_label_accuracy(1.1, 1), Error);
  EXPECT_THROW(new_label_accuracy(NAN, 1), Error);
  EXPECT_THROW(new_label_accuracy(0.5, 0), Error);
  EXPECT_THROW(backdoor_accuracy(0.5, 10, -0.1), Error);
}

}  // namespace
}  // namespace telltale::watermark
