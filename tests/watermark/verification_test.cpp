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
  EXPECT_FALSE(needed.impossible);
}

// 1 - 0.999^2302 = 0.90004, and 1 - 0.9^1 is 90% already where p says so.
TEST(NewLabel, QueriesNeededHaveNoLimitButTheNumbersOwn) {
  EXPECT_EQ(new_label_queries(0.001, 0.9).settled, 2302);
  EXPECT_EQ(new_label_queries(1e-6, 0.9).settled, 2302584);
  EXPECT_EQ(new_label_queries(0.9, 0.9).settled, 1);
  const QueriesNeeded never = new_label_queries(0, 0.9);
  EXPECT_FALSE(never.smallest);
  EXPECT_FALSE(never.settled);
  EXPECT_TRUE(never.impossible);
  const QueriesNeeded far = new_label_queries(1e-300, 0.9);
  EXPECT_FALSE(far.settled);
  EXPECT_FALSE(far.impossible);
}

TEST(Backdoor, AccuracyIsTheBinomialTailOfThePaper) {
  EXPECT_NEAR(backdoor_accuracy(0.8, 1, 0.3), 0.8, 1e-14);
  EXPECT_NEAR(backdoor_accuracy(0.8, 2, 0.3), 0.64, 1e-14);
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

// From p = 0.71 on, where misses are allowed to 30%: the normal approximation gives K = q p (1.28 / 0.01)^2, about
// 3,400.
TEST(Backdoor, QueriesNeededAboveAThousandAreFound) {
  const QueriesNeeded needed = backdoor_queries(0.71, 0.3, 0.9);
  ASSERT_TRUE(needed.settled);
  EXPECT_GT(*needed.settled, 3000);
  EXPECT_LT(*needed.settled, 4000);
  EXPECT_GE(backdoor_accuracy(0.71, *needed.settled, 0.3), 0.9);
  EXPECT_LT(backdoor_accuracy(0.71, *needed.settled - 1, 0.3), 0.9);
  EXPECT_EQ(needed.exceptions.back(), *needed.settled - 1);
}

// 7,250 of 10,000 recognised: the search must come to its end, and agree with the distribution asked one by one.
TEST(Backdoor, TheSearchAgreesWithTheDistribution) {
  for (const double p : {0.725, 0.9, 0.999}) {
    const QueriesNeeded needed = backdoor_queries(p, 0.3, 0.9);
    ASSERT_TRUE(needed.settled);
    std::vector<std::int64_t> exceptions;
    for (std::int64_t queries = 1; queries < *needed.settled + 50; ++queries) {
      if (backdoor_accuracy(p, queries, 0.3) >= 0.9) continue;
      EXPECT_LT(queries, *needed.settled);
      if (queries > *needed.smallest) exceptions.push_back(queries);
    }
    EXPECT_EQ(exceptions, needed.exceptions);
  }
}

TEST(Backdoor, NoneUpToTheLimitIsNotImpossible) {
  const QueriesNeeded far = backdoor_queries(0.7001, 0.3, 0.9, 1000);
  EXPECT_FALSE(far.settled);
  EXPECT_FALSE(far.impossible);
  EXPECT_EQ(far.limit, 1000);
  // About q p (1.28 / 0.0001)^2 = 34 million.
  EXPECT_FALSE(backdoor_queries(0.7001, 0.3, 0.9).settled);
  EXPECT_EQ(backdoor_queries(0.7001, 0.3, 0.9).limit, 1000000);
}

TEST(Backdoor, IsImpossibleWhereMissesAreAsFrequentAsTheyMayBe) {
  for (const double p : {0.0, 0.1, 0.5, 0.7}) {
    const QueriesNeeded never = backdoor_queries(p, 0.3, 0.9);
    EXPECT_TRUE(never.impossible) << p;
    EXPECT_FALSE(never.settled) << p;
  }
  EXPECT_EQ(backdoor_queries(0, 1, 0.9).settled, 1) << "all may miss";
  EXPECT_TRUE(backdoor_queries(0.999, 0, 0.9).impossible) << "none may miss";
  // Where p^K >= 0.9 at least for a while.
  EXPECT_EQ(backdoor_queries(0.999, 0, 0.9).smallest, 1);
  EXPECT_EQ(backdoor_queries(1, 0, 0.9).settled, 1);
  EXPECT_THROW(backdoor_queries(0.8, 0.3, 0.5), Error);
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

// t(0.975) of one degree of freedom is 12.706204736174698, of 999 it is 1.962341461133449.
TEST(Summary, IntervalsOfFewAndOfManyValues) {
  const Summary two = summarise(std::vector<double>{0, 1});
  EXPECT_NEAR(two.interval.high, 0.5 + 12.706204736174698 / 2, 1e-9);
  std::vector<double> many(1000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i % 2);
  const Summary thousand = summarise(many);
  EXPECT_NEAR(thousand.interval.high - 0.5, 1.962341461133449 * thousand.deviation / std::sqrt(1000), 1e-12);
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
