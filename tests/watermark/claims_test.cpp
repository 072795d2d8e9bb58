// The standard of claims, by numbers that its page and textbooks give.
#include "watermark/claims.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/random.h"

namespace telltale::watermark {
namespace {

KeySamples claiming(std::vector<std::int64_t> labels) {
  KeySamples keys;
  keys.labels = std::move(labels);
  return keys;
}

TEST(Claims, TheStatisticCountsClaimedLabelsAndNothingElse) {
  const std::vector<std::int64_t> answers{3, 1, 0, -1, 5};
  KeySamples keys = claiming({3, 1, 4, 1, 5});
  EXPECT_EQ(claim_matches(answers, keys), 3);
  EXPECT_EQ(claim_score(answers, keys), 3);
  keys.weights = {0.5, 1, 8, 8, 2};
  EXPECT_EQ(claim_score(answers, keys), 3.5);
  keys.instead = {1, 3, 0, 0, 4};
  EXPECT_EQ(claim_score(answers, keys), 3.5 - 8) << "what is answered instead speaks against it";
  EXPECT_THROW(claim_matches(answers, claiming({3})), Error);
}

// What counts is the part that says the most.
TEST(Claims, APartsScoreIsLessItsMeanAndOverItsDeviation) {
  using Answers = std::vector<std::int64_t>;
  using Parts = std::vector<double>;
  KeySamples keys = claiming({0, 0, 0, 0, 1, 1});
  keys.parts = {{0, 1, 2}, {4, 0, 0.5}};
  EXPECT_EQ(claim_parts(Answers{0, 0, 0, 0, 1, 1}, keys, 6), (Parts{1.5, 4}));
  EXPECT_EQ(claim_parts(Answers{0, 0, 0, 0, 1, 1}, keys, 3), Parts{1}) << "of the first three alone";
  EXPECT_EQ(claim_parts(Answers{0, 0, 0, 0, 1, 1}, keys, 7), Parts{}) << "there are no seven";
  EXPECT_EQ(claim_score(Answers{0, 0, 0, 0, 0, 0}, keys), 1.5);
  EXPECT_EQ(claim_score(Answers{0, 0, 0, 0, 1, 1}, keys), 4);
}

TEST(Claims, PowerIsToldAtRoundNumbersOfQueriesAndAtAllOfThem) {
  using Sizes = std::vector<std::int64_t>;
  EXPECT_EQ(claim_sizes(100), (Sizes{1, 2, 5, 10, 20, 50, 100}));
  EXPECT_EQ(claim_sizes(30), (Sizes{1, 2, 5, 10, 20, 30}));
  EXPECT_EQ(claim_sizes(1), Sizes{1});
}

TEST(Claims, ARankAmongOthersIsExactAndHasAResolution) {
  const std::vector<double> others{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_DOUBLE_EQ(rank_p(10, others), 0.1);
  EXPECT_DOUBLE_EQ(rank_p(9, others), 0.2) << "ties speak against the claim";
  EXPECT_DOUBLE_EQ(rank_p(0, others), 1);
  EXPECT_DOUBLE_EQ(rank_p(5, {}), 1);
  EXPECT_DOUBLE_EQ(rank_resolution(9), 0.1);
  EXPECT_EQ(others_needed(0.01), 99u);
  EXPECT_EQ(others_needed(0.001), 999u);
  EXPECT_EQ(others_needed(0.03), 33u);
}

// Claims of two parts, of which chance makes the second ten times as large.
std::vector<std::vector<double>> claims_by_chance(Stream& draws, int count) {
  std::vector<std::vector<double>> claims;
  for (int i = 0; i < count; ++i) claims.push_back({draws.normal(), 10 * draws.normal()});
  return claims;
}

TEST(Claims, APartThatSaysMuchIsNotDrownedByOneInWhichChanceSaysMore) {
  Stream draws(1, {}, "claims");
  const auto others = claims_by_chance(draws, 99);
  EXPECT_DOUBLE_EQ(rank_p(std::vector<double>{8, 0}, others), 0.01);
  EXPECT_GT(rank_p(std::vector<double>{0, 8}, others), 0.2);
  EXPECT_DOUBLE_EQ(rank_p(std::vector<double>{}, others), 1);
}

TEST(Claims, ARankByPartsIsExactByChance) {
  Stream draws(2, {}, "claims");
  constexpr int claims = 2000;
  int small = 0;
  for (int i = 0; i < claims; ++i) {
    auto all = claims_by_chance(draws, 20);
    const std::vector<double> own = all.back();
    all.pop_back();
    small += rank_p(own, all) <= 0.1 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(small) / claims, 0.1, 0.02);
}

TEST(Claims, ARankByOnePartIsThatOfItsNumbers) {
  const std::vector<std::vector<double>> others{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}};
  EXPECT_DOUBLE_EQ(rank_p(std::vector<double>{10}, others), 0.1);
  EXPECT_DOUBLE_EQ(rank_p(std::vector<double>{9}, others), 0.2) << "ties speak against the claim";
  EXPECT_DOUBLE_EQ(rank_p(std::vector<double>{0}, others), 1);
}

// spec: "L = 10, n = 100: 16 at 5%, 19 at 1%, 21 at 0.1%".
TEST(Claims, DrawnLabelsHaveAnExactTail) {
  EXPECT_EQ(matches_needed(100, 10, 0.05), 16);
  EXPECT_EQ(matches_needed(100, 10, 0.01), 19);
  EXPECT_EQ(matches_needed(100, 10, 0.001), 21);
  EXPECT_EQ(matches_needed(1, 10, 0.01), std::nullopt);
  EXPECT_DOUBLE_EQ(drawn_labels_p(0, 5, 10), 1);
  EXPECT_NEAR(drawn_labels_p(2, 2, 10), 0.01, 1e-15);
  EXPECT_NEAR(drawn_labels_p(1, 2, 10), 0.19, 1e-15);
  EXPECT_THROW(drawn_labels_p(3, 2, 10), Error);
}

TEST(Claims, TrialsOfDifferentProbabilitiesAreConvolved) {
  const std::vector<double> alike(100, 0.1);
  EXPECT_NEAR(independent_trials_p(19, alike), drawn_labels_p(19, 100, 10), 1e-12);
  EXPECT_NEAR(independent_trials_p(2, std::vector<double>{0.5, 0.2, 0.1}),
              0.5 * 0.2 * 0.9 + 0.5 * 0.8 * 0.1 + 0.5 * 0.2 * 0.1 + 0.5 * 0.2 * 0.1, 1e-15);
  EXPECT_EQ(independent_trials_p(0, alike), 1);
  EXPECT_EQ(independent_trials_p(4, std::vector<double>{1, 1, 1}), 0);
}

// Under the null its mean is 1: a sum over all outcomes shows it.
TEST(Claims, EvidenceIsAMartingaleUnderTheNull) {
  constexpr std::int64_t asked = 12;
  double mean = 0, ways = 1;
  for (std::int64_t matches = 0; matches <= asked; ++matches) {
    mean += ways * std::pow(0.1, matches) * std::pow(0.9, asked - matches) *
            std::exp(log_evidence(matches, asked, 10, 0.8));
    ways *= static_cast<double>(asked - matches) / static_cast<double>(matches + 1);
  }
  EXPECT_NEAR(mean, 1, 1e-9);
  // Three hits in a row are proof at 1% for who expects eight in ten.
  EXPECT_GE(log_evidence(3, 3, 10, 0.8), std::log(100));
  EXPECT_LT(log_evidence(2, 2, 10, 0.8), std::log(100));
  EXPECT_THROW(log_evidence(1, 1, 10, 0.1), Error);
}

TEST(Claims, HolmAdjustsInSteps) {
  const std::vector<double> adjusted = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected{0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
  EXPECT_TRUE(holm({}).empty());
}

TEST(Claims, AreProvenByEveryTestOrNotAtAll) {
  const ClaimTest key{"key", 0.001, 0.001}, model{"model", 0.01, 0.01}, weak{"model", 0.2, 0.01};
  EXPECT_EQ(judge(true, std::vector{key, model}).verdict, Verdict::proven);
  EXPECT_EQ(judge(true, std::vector{key, weak}).verdict, Verdict::not_proven);
  EXPECT_DOUBLE_EQ(judge(true, std::vector{key, weak}).p, 0.2);
  EXPECT_EQ(judge(false, std::vector{key, model}).verdict, Verdict::inadmissible);
  EXPECT_EQ(judge(true, {}).verdict, Verdict::unresolved);
}

TEST(Claims, ThatCannotBeResolvedSayWhatWouldResolveThem) {
  // The best of twenty unmarked networks: 1/21 at least.
  const ClaimTest key{"key", 0.001, 0.001}, few{"model: same structure", 1.0 / 21, 1.0 / 21},
      beaten{"model: same structure", 2.0 / 21, 1.0 / 21};
  const Judgement open = judge(true, std::vector{key, few});
  EXPECT_EQ(open.verdict, Verdict::unresolved);
  EXPECT_EQ(open.needs, (std::vector<std::string>{"99 (model: same structure)"}));
  EXPECT_EQ(judge(true, std::vector{key, beaten}).verdict, Verdict::not_proven) << "more null models would not help";
}

TEST(Claims, OfManyCommitmentsCountByTheirNumber) {
  const ClaimTest key{"key", 0.001, 0.001};
  EXPECT_EQ(judge(true, std::vector{key}, 10).verdict, Verdict::proven);
  const Judgement open = judge(true, std::vector{key}, 11);
  EXPECT_EQ(open.verdict, Verdict::unresolved);
  EXPECT_EQ(open.needs, (std::vector<std::string>{"1099 (key)"}));
  EXPECT_THROW(judge(true, std::vector{key}, 0), Error);
}

// Of suspects that have nothing to do with any secret, one in a hundred is called marked at 1%, and no more.
TEST(Claims, HoldTheirLevel) {
  Stream draws(1, {}, "suspects");
  int proven = 0;
  constexpr int suspects = 3000;
  for (int s = 0; s < suspects; ++s) {
    std::vector<double> decoys(99);
    const auto matches = [&] {
      double sum = 0;
      for (int i = 0; i < 40; ++i) sum += draws.below(10) == 0;
      return sum;
    };
    for (double& decoy : decoys) decoy = matches();
    proven += judge(true, std::vector{ClaimTest{"key", rank_p(matches(), decoys), 0.01}}).verdict == Verdict::proven;
  }
  EXPECT_LE(proven, 30 + 4 * 6) << "four standard deviations above 1%";
}

}  // namespace
}  // namespace telltale::watermark
