// Model inversion (Fredrikson et al. 2015, Algorithm 1).
#include "watermark/inversion.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/evaluate.h"
#include "models/network.h"
#include "support/refusal.h"

namespace telltale::watermark {
namespace {

// A network that was never trained: its answers lie close together.
std::shared_ptr<models::Network> untrained() {
  auto network = models::make_network({"dnn-1", {1, 8, 10}, 5, {}});
  models::initialise(*network, Stream(7, {}, "inversion"));
  return network;
}

at::Tensor grey() { return at::full({1, 8, 10}, 0.5F); }

Inverted inverted(const InversionRecipe& recipe, const at::Tensor& start = grey(), std::int64_t label = 3) {
  return invert(*untrained(), start, label, recipe, [] {});
}

double probability(const at::Tensor& image, std::int64_t label) {
  return models::predict_logits(*untrained(), image.unsqueeze(0), 1).softmax(1)[0][label].item<double>();
}

TEST(Inversion, RaisesTheLabelsProbabilityWithPixelsInRange) {
  for (const char* cost : {"confidence", "cross-entropy"}) {
    const Inverted found = inverted({.cost = cost, .steps = 50, .rate = 20});
    EXPECT_GT(found.confidence, probability(grey(), 3) + 0.1) << cost;
    EXPECT_NEAR(found.confidence, probability(found.image, 3), 1e-5) << cost;
    EXPECT_GE(found.image.min().item<float>(), 0.0F);
    EXPECT_LE(found.image.max().item<float>(), 1.0F);
  }
}

TEST(Inversion, EndsWhereTheLabelIsSureEnough) {
  const Inverted found = inverted({.steps = 50, .rate = 20, .confidence = 0.3});
  EXPECT_GE(found.confidence, 0.3);
  EXPECT_LT(found.steps, 50);
  EXPECT_EQ(inverted({.steps = 50, .confidence = 0}).steps, 0) << "and leaves the start alone if it is";
}

TEST(Inversion, EndsWhereTheCostNoLongerFalls) {
  // So large a step leaves the image at its limits, where no further one lowers the cost.
  const Inverted found = inverted({.steps = 1000, .rate = 1e6, .patience = 5, .confidence = 1.1});
  EXPECT_LT(found.steps, 1000);
}

TEST(Inversion, IsTheSameEveryTime) {
  const InversionRecipe recipe{.steps = 20, .rate = 1};
  EXPECT_TRUE(inverted(recipe).image.equal(inverted(recipe).image));
}

TEST(Inversion, RefusesAnUnknownCost) {
  EXPECT_NE(refusal([] { static_cast<void>(inverted({.cost = "hinge"})); }).find("confidence, cross-entropy"),
            std::string::npos);
}

}  // namespace
}  // namespace telltale::watermark
