#include "forensics/evaluator.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <functional>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"

namespace telltale::forensics {
namespace {

const models::NetworkSpec tiny{"dnn-1", {2, 7, 9}, 4};

std::shared_ptr<models::Network> network(const models::NetworkSpec& spec = tiny) {
  models::set_threads_to_one();
  auto made = models::make_network(spec);
  models::initialise(*made, Stream(1, {}, "evaluator"));
  return made;
}

Point point(const models::NetworkSpec& spec = tiny) {
  Stream draws(2, {}, "point");
  Point values(spec.input.pixels());
  for (float& value : values) value = static_cast<float>(draws.uniform());
  return values;
}

// The numeric slope of a height along a direction: what an answer's slope must project to.
double along(const Question& question, const Point& direction, const std::function<double(const Answer&)>& height) {
  const Evaluator exact(network());
  const auto at = [&](double step) {
    Question moved;
    moved.point = question.point;
    for (std::size_t i = 0; i < moved.point.size(); ++i) moved.point[i] += static_cast<float>(step) * direction[i];
    return height(exact.answer(moved));
  };
  const double h = 1e-3;  // short, or it crosses a kink of the ReLUs
  return (at(h) - at(-h)) / (2 * h);
}

void expect_slope(Question question, const std::function<double(const Answer&)>& height, std::size_t which = 0) {
  question.point = point();
  const Answer answer = Evaluator(network()).answer(question);
  ASSERT_EQ(answer.slopes.size(), static_cast<std::size_t>(question.slopes()));
  const Point& slope = answer.slopes[which];
  // Along itself, where it is largest.
  double length = 0;
  for (const float s : slope) length += double{s} * s;
  length = std::sqrt(length);
  ASSERT_GT(length, 0);
  Point direction = slope;
  for (float& d : direction) d = static_cast<float>(d / length);
  EXPECT_NEAR(along(question, direction, height), length, 0.01 * length);
}

TEST(Evaluator, LossSlopeIsTheNumericDifference) {
  expect_slope({{}, Slope::loss, 2, {}}, [](const Answer& a) { return -std::log(double{a.confidences[2]}); });
}
TEST(Evaluator, ScoreSlopeIsTheNumericDifference) {
  expect_slope({{}, Slope::score, 1, {}}, [](const Answer& a) { return double{a.confidences[1]}; });
}
TEST(Evaluator, MarginSlopesAreTheNumericDifferencesOfEachRival) {
  expect_slope(
      {{}, Slope::margin, 0, {3, 1}}, [](const Answer& a) { return double{a.logits[0]} - a.logits[3]; }, 0);
  expect_slope(
      {{}, Slope::margin, 0, {3, 1}}, [](const Answer& a) { return double{a.logits[0]} - a.logits[1]; }, 1);
}

TEST(Evaluator, AnswersAreThePredictionsOfTheNetwork) {
  const Point values = point();
  const Answer answer = Evaluator(network()).answer({values, Slope::none, 0, {}});
  const at::Tensor image = torch::tensor(values).view({1, 2, 7, 9});
  const at::Tensor logits = models::predict_logits(*network(), image, 1);
  for (int c = 0; c < 4; ++c) EXPECT_EQ(answer.logits[static_cast<std::size_t>(c)], logits[0][c].item<float>());
  EXPECT_EQ(answer.label(), models::labels_of(logits).front());
  EXPECT_TRUE(answer.slopes.empty());
  double sum = 0;
  for (const float confidence : answer.confidences) sum += confidence;
  EXPECT_NEAR(sum, 1, 1e-6);
}

// The first answer of a batch of copies; with a slope that is of the one image, not of all its copies.
TEST(Evaluator, ABatchHoldsCopiesOfThePoint) {
  const Point values = point();
  const Question question{values, Slope::loss, 1, {}};
  const Answer alone = Evaluator(network()).answer(question), among = Evaluator(network(), 5).answer(question);
  const at::Tensor images = torch::tensor(values).view({1, 2, 7, 9}).repeat({5, 1, 1, 1});
  const at::Tensor logits = models::predict_logits(*network(), images, 5);
  for (int c = 0; c < 4; ++c) EXPECT_EQ(among.logits[static_cast<std::size_t>(c)], logits[0][c].item<float>());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(among.slopes.front()[i], alone.slopes.front()[i], 1e-5) << i;
}

TEST(Evaluator, RepeatsItsBits) {
  const Evaluator evaluator(network());
  const Question question{point(), Slope::margin, 0, {1, 2, 3}};
  const Answer once = evaluator.answer(question), again = evaluator.answer(question);
  EXPECT_EQ(once.logits, again.logits);
  EXPECT_EQ(once.slopes, again.slopes);
}

TEST(Evaluator, BatchNormsAreInEvaluationMode) {
  const models::NetworkSpec residual{"resnet-20", {1, 8, 8}, 3, {}};
  const auto asked = network(residual);
  const Evaluator evaluator(asked);
  const at::Tensor before = asked->buffers().front().clone();
  const Answer answer = evaluator.answer({point(residual), Slope::score, 0, {}});
  EXPECT_EQ(answer.slopes.size(), 1u);
  EXPECT_TRUE(torch::equal(asked->buffers().front(), before));
}

TEST(Evaluator, WhatDoesNotFitIsRefused) {
  const Evaluator evaluator(network());
  EXPECT_THROW((void)evaluator.answer({Point(5), Slope::none, 0, {}}), Error);
  EXPECT_THROW((void)evaluator.answer({point(), Slope::loss, 4, {}}), Error);
  EXPECT_THROW((void)evaluator.answer({point(), Slope::margin, 0, {-1}}), Error);
  EXPECT_THROW(Evaluator(network(), 0), Error);
}

}  // namespace
}  // namespace telltale::forensics
