#include "forensics/identifying_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace telltale::forensics {
namespace {

using Machines = std::vector<std::size_t>;
using Labels = std::vector<std::int32_t>;

TEST(IdentifiedMachines, AreThoseWhoseLabelNoOtherGives) {
  EXPECT_EQ(identified_machines(Labels{3, 5, 5, 5}), (Machines{0}));
  EXPECT_EQ(identified_machines(Labels{5, 5, 3, 5}), (Machines{2}));
  EXPECT_EQ(identified_machines(Labels{1, 2, 3, 3}), (Machines{0, 1}));
  EXPECT_TRUE(identified_machines(Labels{1, 1, 2, 2}).empty());
  EXPECT_TRUE(identified_machines(Labels{1, 1, 1}).empty());
}

TEST(IdentifiedMachines, AreBothOfTwo) {
  EXPECT_EQ(identified_machines(Labels{4, 7}), (Machines{0, 1}));
  EXPECT_EQ(identified_machines(Labels{-1, 4, -1, 7}), (Machines{1, 3})) << "two of four were asked";
  EXPECT_TRUE(identified_machines(Labels{-1, 4, -1}).empty()) << "told from nobody";
}

TEST(IdentifiedCounts, OfTwoMachinesAreEverySampleForBoth) {
  const IdentifiedCounts counts = count_identified({{4, 7}, {7, 4}, {1, 2}}, 2);
  EXPECT_EQ(counts.by_machine, (std::vector<std::int64_t>{3, 3}));
  EXPECT_EQ(counts.rarest_share, 1);
}

TEST(IdentifiedCounts, LeaveOutMachinesThatWereNeverAsked) {
  const IdentifiedCounts one_against_one = count_identified({{4, 7, -1}, {7, 4, -1}}, 3);
  EXPECT_EQ(one_against_one.by_machine, (std::vector<std::int64_t>{2, 2, 0}));
  EXPECT_EQ(one_against_one.rarest_share, 1);
  const IdentifiedCounts all = count_identified({{4, 7, 7}, {4, 7, 7}, {7, 7, 4}, {7, 7, 4}}, 3);
  EXPECT_EQ(all.rarest_share, 0) << "the second was asked, and never found";
  EXPECT_TRUE(std::isnan(count_identified({}, 3).rarest_share));
}

TEST(IdentifyingSet, HasTheBestSampleOfEveryMachine) {
  const IdentifyingSet set =
      identifying_set({{10, 50, {1, 0, 0}}, {11, 60, {1, 0, 0}}, {10, 40, {0, 1, 0}}, {12, 45, {0, 0, 1}}}, 3);
  EXPECT_EQ(set.psnr, (std::vector<double>{60, 40, 45}));
  EXPECT_EQ(set.image, (std::vector<std::int64_t>{11, 10, 12}));
  EXPECT_EQ(set.worst_psnr, 40);
  EXPECT_EQ(set.fewest_images, 2) << "image 10 has samples for two machines";
  EXPECT_TRUE(set.fewest_is_proven);
}

TEST(IdentifyingSet, OfTwoMachinesIsOneSample) {
  const IdentifyingSet set = identifying_set({{3, 50, {-1, 1, -1, 0}}, {4, 55, {-1, 1, -1, 0}}}, 4);
  EXPECT_EQ(set.image, (std::vector<std::int64_t>{-1, 4, -1, 4}));
  EXPECT_EQ(set.worst_psnr, 55);
  EXPECT_EQ(set.fewest_images, 1);
}

TEST(IdentifyingSet, IsIncompleteWhereAMachineHasNoSample) {
  const IdentifyingSet set = identifying_set({{3, 50, {1, 0, 0}}}, 3);
  EXPECT_EQ(set.image, (std::vector<std::int64_t>{3, -1, -1}));
  EXPECT_TRUE(std::isnan(set.worst_psnr));
  EXPECT_EQ(set.fewest_images, -1);
  EXPECT_TRUE(std::isnan(identifying_set({}, 3).worst_psnr));
  EXPECT_EQ(identifying_set({}, 3).fewest_images, -1);
}

TEST(IdentifyingSet, OfFortyMachinesTakesNoMemoryToSpeakOf) {
  std::vector<FoundSample> samples;
  for (std::int32_t image = 0; image < 400; ++image) {
    Labels labels(40, 0);
    labels[static_cast<std::size_t>(image) % 40] = 1;
    samples.push_back({image, 50.0 + image, labels});
  }
  const IdentifyingSet set = identifying_set(samples, 40);
  EXPECT_EQ(set.fewest_images, 40);
  EXPECT_TRUE(set.fewest_is_proven);
  EXPECT_EQ(set.worst_psnr, 50 + 360);
}

TEST(LeastCover, IsBetterThanTheGreedyOne) {
  // Greedy takes the set of four first and needs three.
  const auto cover = least_cover({{0, 1, 2}, {3, 4, 5}, {1, 2, 3, 4}}, 6);
  ASSERT_TRUE(cover);
  EXPECT_EQ(cover->chosen, (Machines{0, 1}));
  EXPECT_TRUE(cover->is_least);
}

TEST(LeastCover, IsNoneWhereAnElementIsMissing) {
  EXPECT_FALSE(least_cover({{0, 1}, {1}}, 3));
  EXPECT_FALSE(least_cover({}, 1));
  EXPECT_TRUE(least_cover({}, 0)->chosen.empty());
}

// All subsets of the sets, one by one, against it.
TEST(LeastCover, IsThatOfTryingEverything) {
  Stream stream(5, Json::object(), "covers");
  for (int round = 0; round < 50; ++round) {
    constexpr std::size_t elements = 9, count = 10;
    std::vector<std::vector<std::size_t>> sets(count);
    for (auto& set : sets)
      for (std::size_t e = 0; e < elements; ++e)
        if (stream.below(3) == 0) set.push_back(e);
    std::size_t least = count + 1;
    for (unsigned tried = 0; tried < 1U << count; ++tried) {
      std::vector<bool> held(elements, false);
      std::size_t used = 0;
      for (std::size_t s = 0; s < count; ++s) {
        if ((tried >> s & 1) == 0) continue;
        ++used;
        for (const std::size_t e : sets[s]) held[e] = true;
      }
      if (std::all_of(held.begin(), held.end(), [](bool one) { return one; })) least = std::min(least, used);
    }
    const auto cover = least_cover(sets, elements);
    ASSERT_EQ(cover.has_value(), least <= count);
    if (cover) {
      EXPECT_EQ(cover->chosen.size(), least);
    }
  }
}

TEST(LeastCover, SaysSoWhereItGaveUp) {
  Stream stream(6, Json::object(), "covers");
  std::vector<std::vector<std::size_t>> sets(400);
  for (auto& set : sets)
    for (std::size_t e = 0; e < 40; ++e)
      if (stream.below(6) == 0) set.push_back(e);
  const auto cover = least_cover(sets, 40, 50);
  ASSERT_TRUE(cover);
  EXPECT_FALSE(cover->is_least);
  std::vector<bool> held(40, false);
  for (const std::size_t s : cover->chosen)
    for (const std::size_t e : sets[s]) held[e] = true;
  EXPECT_TRUE(std::all_of(held.begin(), held.end(), [](bool one) { return one; }));
}

}  // namespace
}  // namespace telltale::forensics
