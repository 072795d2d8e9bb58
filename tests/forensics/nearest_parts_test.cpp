// The parts of our search that ask no machine.
#include <gtest/gtest.h>

#include <set>

#include "forensics/aim.h"
#include "forensics/grid_steps.h"

namespace telltale::forensics {
namespace {

TEST(Aim, IsTheMiddleOfTheWidestGapBesideOneMachine) {
  const Aim aim = aim_between({1, 2, 3, 7}, {0, 1, 2, 3}, std::nullopt);
  EXPECT_TRUE(aim.has_gap);
  EXPECT_EQ(aim.shift, -5);
  const Aim below = aim_between({1, 2, 3, 7}, {0, 1, 2, 3}, 0);
  EXPECT_TRUE(below.has_gap);
  EXPECT_EQ(below.shift, -1.5);
}

TEST(Aim, TakesTwinsTogether) {
  const Aim aim = aim_between({1, 5, 6}, {0, 1, 1}, 1);
  EXPECT_TRUE(aim.has_gap);
  EXPECT_EQ(aim.shift, -3);
}

TEST(Aim, IsTheMiddleOfAllWhereTheTargetLiesInside) {
  const Aim aim = aim_between({1, 2, 9}, {0, 1, 2}, 1);
  EXPECT_FALSE(aim.has_gap);
  EXPECT_EQ(aim.shift, -5);
}

TEST(WantedVerdict, NamesTheTargetOrNobody) {
  const std::vector<int> kinds{0, 1, 2};
  EXPECT_EQ(wanted_verdict({1, 0, 0}, kinds, std::nullopt)->identified, 0);
  EXPECT_EQ(wanted_verdict({1, 0, 0}, kinds, 0)->identified, 0);
  EXPECT_FALSE(wanted_verdict({1, 0, 0}, kinds, 1));
  EXPECT_FALSE(wanted_verdict({0, 0, 0}, kinds, std::nullopt));
  const auto second = wanted_verdict({4, 7}, {0, 1}, 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->identified, 1);
  EXPECT_EQ(second->identifying_label, 7);
  EXPECT_EQ(second->contrast_label, 4);
}

TEST(GridSteps, StayWithinTheGridAndAreSortedByEffect) {
  const std::vector<GridStep> steps = every_step({0, 255, 7, 8}, {255, 510, 0, -255});
  ASSERT_EQ(steps.size(), 4U);
  std::vector<double> effects;
  for (const GridStep& step : steps) effects.push_back(step.effect);
  EXPECT_EQ(effects, (std::vector<double>{-2, -1, 1, 1}));
  EXPECT_EQ(steps[2].value, 0) << "of equal effects the first value's comes first";
  EXPECT_EQ(steps[3].value, 3);
  EXPECT_EQ(steps[3].direction, -1);
}

TEST(GridSteps, TakeTheGentlestWayToANewPlace) {
  const GridPoint base{100, 100, 100};
  const std::vector<GridStep> steps = every_step(base, {255, 510, 1530});  // effects 1, 2, 6
  std::set<GridPoint> seen;
  const auto is_new = [&](const GridPoint& bytes) { return seen.insert(bytes).second; };
  EXPECT_EQ(step_by(1, 1e-6, steps, base, is_new), (GridPoint{101, 100, 100}));
  // The same place is old now: 2 - 1 is the next best.
  EXPECT_EQ(step_by(1, 1e-6, steps, base, is_new), (GridPoint{99, 101, 100}));
  // The largest first, then what is left.
  EXPECT_EQ(step_by(7, 1e-6, steps, base, is_new), (GridPoint{101, 100, 101}));
  EXPECT_FALSE(step_by(1, 1e-6, {}, base, is_new));
}

TEST(GridSteps, ThereAndBack) {
  const Point point{0, 1, 100.0F / 255.0F, 1.5F};
  EXPECT_EQ(to_grid(point), (GridPoint{0, 255, 100, 255}));
  EXPECT_EQ(from_grid({0, 255, 100}), (Point{0, 1, 100.0F / 255.0F}));
}

TEST(Combinations, AreOfStepsThatLieApartAndFewFirst) {
  const auto at = [](double effect, int row) { return MeasuredStep{effect, {effect, row, 1}, row, 0}; };
  const std::vector<MeasuredStep> measured{at(3, 0), at(1, 4), at(2, 20), at(5, 40)};
  const std::vector<Combination> found = combinations(5, 1e-6, measured);
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0].steps, (std::vector<std::size_t>{3}));
  EXPECT_EQ(found[1].steps, (std::vector<std::size_t>{0, 2})) << "3 + 2, twenty rows apart";
  for (const Combination& combination : combinations(4, 1e-6, measured))
    EXPECT_NE(combination.steps, (std::vector<std::size_t>{0, 1})) << "3 + 1 lie four rows apart";
}

}  // namespace
}  // namespace telltale::forensics
