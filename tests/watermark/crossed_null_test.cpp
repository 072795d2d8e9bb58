#include "watermark/crossed_null.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace telltale::watermark {
namespace {

Stream draws(int number) { return Stream(0, {{"number", number}}, "crossed null test"); }

double normal(Stream& stream) {  // Irwin-Hall: twelve uniforms
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += stream.uniform();
  return sum;
}

// Scores of a model whose components are known.
std::vector<double> made_up(std::size_t networks, std::size_t keys, double of_networks, double of_keys, double rest,
                            int number) {
  Stream stream = draws(number);
  std::vector<double> network(networks), key(keys), scores;
  for (double& one : network) one = of_networks * normal(stream);
  for (double& one : key) one = of_keys * normal(stream);
  for (const double n : network)
    for (const double k : key) scores.push_back(5 + n + k + rest * normal(stream));
  return scores;
}

TEST(CrossedNull, FindsTheComponentsThatScoresWereMadeOf) {
  const CrossedNull found = crossed_null(made_up(300, 200, 2, 0.5, 1, 1), 300, 200, draws(2));
  EXPECT_NEAR(found.mean, 5, 0.4);
  EXPECT_NEAR(found.of_networks, 2, 0.25);
  EXPECT_NEAR(found.of_keys, 0.5, 0.1);
  EXPECT_NEAR(found.of_rest, 1, 0.02);
}

TEST(CrossedNull, OfASmallTableByHand) {
  // Rows differ by 2 and columns by 4, and there is nothing else.
  const CrossedNull found = crossed_null(std::vector<double>{0, 4, 2, 6}, 2, 2, draws(1));
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_DOUBLE_EQ(found.of_rest, 0);
  EXPECT_DOUBLE_EQ(found.of_networks, std::sqrt(2));
  EXPECT_DOUBLE_EQ(found.of_keys, std::sqrt(8));
}

// What pooling would get wrong: few keys with answers of their own are few trials, however many networks meet them.
TEST(CrossedNull, TheIntervalKnowsThatCellsOfOneKeyAreNoTrialsOfTheirOwn) {
  int covered = 0;
  constexpr int runs = 100;
  for (int run = 0; run < runs; ++run) {
    const CrossedNull found = crossed_null(made_up(40, 20, 0, 2, 0.5, run), 40, 20, draws(1000 + run));
    covered += found.interval.low <= 5 && 5 <= found.interval.high;
    EXPECT_GT(found.interval.high - found.interval.low, 8 * 0.5 / std::sqrt(40 * 20)) << "as wide as pooled trials say";
  }
  EXPECT_GE(covered, 80);
}

TEST(CrossedNull, NeedsTwoOfEach) {
  EXPECT_THROW(crossed_null(std::vector<double>{1, 2}, 2, 1, draws(1)), Error);
  EXPECT_THROW(crossed_null(std::vector<double>{1, 2, 3}, 2, 2, draws(1)), Error);
}

}  // namespace
}  // namespace telltale::watermark
