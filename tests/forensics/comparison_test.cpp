#include "forensics/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace telltale::forensics {
namespace {

using models::Precision;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

TEST(UlpDistance, CountsTheValuesBetween) {
  EXPECT_EQ(ulp_distance(1.0F, 1.0F), 0);
  EXPECT_EQ(ulp_distance(1.0F, 1.0F + 0x1p-23F), 1);
  EXPECT_EQ(ulp_distance(1.0F, 1.0F - 0x1p-24F), 1);  // below a power of two, steps are half as long
  EXPECT_EQ(ulp_distance(1.0F, 2.0F), 1 << 23);
  EXPECT_EQ(ulp_distance(1.0, 1.0 + 3 * 0x1p-52), 3);
  EXPECT_EQ(ulp_distance(1.0, 2.0), std::int64_t{1} << 52);
  EXPECT_EQ(ulp_distance_bfloat16(1.0F, 1.0F + 0x1p-7F), 1);
  EXPECT_EQ(ulp_distance_bfloat16(-1.0F, -2.0F), 128);
}

TEST(UlpDistance, GoesThroughOneZero) {
  EXPECT_EQ(ulp_distance(0.0F, -0.0F), 0);
  EXPECT_EQ(ulp_distance(-0x1p-149F, 0x1p-149F), 2);  // the smallest numbers on either side
  EXPECT_EQ(ulp_distance(-1.0, 1.0), 2 * ulp_distance(0.0, 1.0));
  EXPECT_EQ(ulp_distance_bfloat16(-0x1p-133F, 0x1p-133F), 2);
}

TEST(UlpDistance, IsSymmetricAndNeverOverflows) {
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(ulp_distance(-most, most), ulp_distance(most, -most));
  EXPECT_EQ(ulp_distance(-most, most), farthest);
  EXPECT_EQ(ulp_distance(std::numeric_limits<float>::max(), infinity), 1);
  EXPECT_EQ(ulp_distance(nan, 1.0F), farthest);
  EXPECT_EQ(ulp_distance_bfloat16(1.0F, nan), farthest);
  EXPECT_EQ(ulp_distance(nan, -nan), 0);
}

struct Made {
  Array logits;
  std::vector<std::int32_t> labels;
  [[nodiscard]] Answers answers() const { return {logits, labels}; }
};

Made floats(std::vector<float> values, std::vector<std::int32_t> labels) {
  return {Array::of<float>({static_cast<std::int64_t>(labels.size()), 2}, values), std::move(labels)};
}

TEST(Distance, OfEqualAnswersIsNothingAndAllBits) {
  const Made a = floats({1, -2, 0.5F, 0}, {0, 0});
  EXPECT_EQ(distance_between(a.answers(), a.answers(), Precision::float32), (Distance{0, 0, 24, 0}));
  EXPECT_EQ(distance_between(a.answers(), a.answers(), Precision::bfloat16).remaining_bits, 8);
}

TEST(Distance, IsTheLargestOverAllImages) {
  const Made a = floats({1, 4, 8, 0, 1, 1}, {1, 0, 0});
  const Made b = floats({1, 4, 8 + 0x1p-20F, 0, 1 + 0x1p-10F, 1}, {1, 0, 1});
  const Distance d = distance_between(a.answers(), b.answers(), Precision::float32);
  EXPECT_EQ(d.differing_images, 2);
  EXPECT_EQ(d.max_ulp, 1 << 13);
  EXPECT_EQ(d.label_disagreements, 1);
  // 2^-10 / (1 + 2^-10): a little more than ten bits.
  EXPECT_DOUBLE_EQ(d.remaining_bits, 10 + std::log2(1 + 0x1p-10));
}

TEST(Distance, PowersOfTwoLeaveWholeBits) {
  const Made one = floats({1, 2}, {1});
  EXPECT_EQ(distance_between(one.answers(), floats({1, 1.5F}, {0}).answers(), Precision::float32).remaining_bits, 2);
  EXPECT_EQ(distance_between(one.answers(), floats({1, 1}, {0}).answers(), Precision::float32).remaining_bits, 1);
  EXPECT_EQ(distance_between(one.answers(), floats({1, -2}, {0}).answers(), Precision::float32).remaining_bits, 0);
  EXPECT_EQ(distance_between(one.answers(), floats({1, nan}, {0}).answers(), Precision::float32),
            (Distance{1, farthest, 0, 1}));
}

TEST(Distance, ZerosOfTwoSignsDifferInBitsOnly) {
  const Made plus = floats({1, 0.0F}, {0}), minus = floats({1, -0.0F}, {0});
  EXPECT_EQ(distance_between(plus.answers(), minus.answers(), Precision::float32), (Distance{1, 0, 24, 0}));
}

TEST(Distance, DoublesAreMeasuredInTheirOwnSteps) {
  const Array a = Array::of<double>({1, 1}, std::vector<double>{1}),
              b = Array::of<double>({1, 1}, std::vector<double>{1 - 0x1p-53});
  const std::vector<std::int32_t> labels{0};
  const Distance d = distance_between({a, labels}, {b, labels}, Precision::float64);
  EXPECT_EQ(d.max_ulp, 1);
  EXPECT_EQ(d.remaining_bits, 53);
}

TEST(Distance, BitsAgreeWithTheLogarithm) {
  const Made one = floats({1, 3}, {1});
  for (float x = 1.001F; x < 900; x *= 1.37F) {
    const Made other = floats({x, 3}, {1});
    EXPECT_NEAR(distance_between(one.answers(), other.answers(), Precision::float32).remaining_bits,
                -std::log2((double{x} - 1) / x), 1e-14)
        << x;
  }
}

TEST(Distance, OfDifferentShapesIsRefused) {
  const Made a = floats({1, 2}, {1}), b = floats({1, 2, 3, 4}, {1, 1});
  EXPECT_THROW(distance_between(a.answers(), b.answers(), Precision::float32), Error);
  EXPECT_THROW(distance_between(a.answers(), {a.logits, {}}, Precision::float32), Error);
}

TEST(EquivalenceClasses, ArePositionsOfTheFirstWithTheSameBits) {
  const Array x = Array::scalar(1.0F), y = Array::scalar(2.0F), again = Array::scalar(2.0F);
  EXPECT_EQ(equivalence_classes({&y, nullptr, &x, &again, &x}), (std::vector<std::int32_t>{0, -1, 2, 0, 2}));
  EXPECT_TRUE(equivalence_classes({}).empty());
}

TEST(EquivalenceClasses, AreOfBitsNotOfValues) {
  const Array plus = Array::scalar(0.0F), minus = Array::scalar(-0.0F), none = Array::scalar(nan);
  EXPECT_EQ(equivalence_classes({&plus, &minus, &none, &none}), (std::vector<std::int32_t>{0, 1, 2, 2}));
}

TEST(FirstDeviation, IsTheFirstLayerWithAnyOtherHash) {
  const auto hashes = [](std::vector<std::int64_t> values) { return Array::of<std::int64_t>({3, 2}, values); };
  const Array a = hashes({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(first_deviation(a, a), -1);
  EXPECT_EQ(first_deviation(a, hashes({1, 9, 3, 4, 5, 6})), 0);
  EXPECT_EQ(first_deviation(a, hashes({1, 2, 3, 4, 9, 9})), 2);
  EXPECT_THROW(first_deviation(a, Array::of<std::int64_t>({2, 2}, std::vector<std::int64_t>(4))), Error);
}

// Worked out by hand: 0 and 2 are nearest; then 1 and 3; the last height is the mean of four distances.
TEST(AverageLinkage, MergesByMeanDistance) {
  const std::vector<double> distances{0,  6, 1,  10,  //
                                      6,  0, 8,  3,   //
                                      1,  8, 0,  12,  //
                                      10, 3, 12, 0};
  const Dendrogram tree = average_linkage(distances, 4);
  EXPECT_EQ(tree.merges, (std::vector<Merge>{{0, 2, 1, 2}, {1, 3, 3, 2}, {4, 5, 9, 4}}));
  EXPECT_EQ(tree.leaves, (std::vector<std::int32_t>{0, 2, 1, 3}));
}

TEST(AverageLinkage, TiesGoToTheSmallestNumbers) {
  const Dendrogram tree = average_linkage(std::vector<double>(9, 0.0), 3);
  EXPECT_EQ(tree.merges, (std::vector<Merge>{{0, 1, 0, 2}, {2, 3, 0, 3}}));
  EXPECT_EQ(tree.leaves, (std::vector<std::int32_t>{2, 0, 1}));
}

TEST(AverageLinkage, OfOneOrNoneHasNoMerge) {
  EXPECT_EQ(average_linkage(std::vector<double>{0}, 1).leaves, std::vector<std::int32_t>{0});
  EXPECT_TRUE(average_linkage({}, 0).merges.empty());
  EXPECT_THROW(average_linkage(std::vector<double>{0, 1}, 2), Error);
}

}  // namespace
}  // namespace telltale::forensics
