#include "models/keyed_bias.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "data/dataset.h"
#include "models/transform.h"

namespace telltale::models {
namespace {

data::Dataset some_images() {
  data::DatasetRequest request;
  request.name = "glyphs";
  request.generated_train = 300;
  request.generated_test = 10;
  return data::load(request);
}

TEST(BiasBasis, FeaturesHaveNoMeanWithinAClassAndAreWhite) {
  const data::Dataset data = some_images();
  const auto view = ImageView::of(data.shape(), data.train());
  const BiasBasis basis = BiasBasis::of(view, data.classes(), 3, 0);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < view.count; ++i) labels.push_back(view.label(i));
  const at::Tensor sure = at::one_hot(at::tensor(labels), data.classes()).to(at::kFloat),
                   features = basis.features(planes_of(view), sure);
  EXPECT_EQ(features.size(1), 9);
  EXPECT_LT(at::matmul(sure.t(), features).abs().max().item<double>(), 1e-2);
  const at::Tensor covariance = at::matmul(features.t(), features) / view.count;
  EXPECT_LT((covariance - at::eye(9)).abs().max().item<double>(), 1e-2);
}

// Where images may be moved, that they are is no more of a feature than what they show.
TEST(BiasBasis, MovedCopiesHaveTheSpreadOfTheImagesToo) {
  const data::Dataset data = some_images();
  const auto view = ImageView::of(data.shape(), data.train());
  const at::Tensor moved = copy_of(view, 0, view.count, 1);
  EXPECT_FALSE(moved.equal(planes_of(view)));
  EXPECT_TRUE(moved.equal(copy_of(view, 0, view.count, 1)));
  EXPECT_TRUE(copy_of(view, 0, view.count, 0).equal(planes_of(view)));
  const auto most = [&](long long copies) {
    const BiasBasis basis = BiasBasis::of(view, data.classes(), 4, copies);
    return basis.features(moved, at::zeros({view.count, data.classes()})).var(0).max().item<double>();
  };
  EXPECT_LT(most(3), most(0));
}

// The transform is orthonormal: with all frequencies it keeps an image's energy.
TEST(BiasBasis, AllFrequenciesAreTheWholeImage) {
  const at::Tensor image = at::rand({1, 1, 5, 5});
  const BiasBasis basis{5, at::zeros({1, 25}), at::eye(25)};
  const at::Tensor features = basis.features(image, at::ones({1, 1}));
  EXPECT_NEAR(features.square().sum().item<double>(), image.square().sum().item<double>(), 1e-5);
  EXPECT_NEAR(features[0][0].item<double>(), 5 * image.mean().item<double>(), 1e-5) << "the first is the mean";
}

TEST(BiasBasis, ABiasIsNeverMoreThanOne) {
  const at::Tensor bias = keyed_bias(100 * at::randn({50, 9}), at::randn({10, 9}), 1.5);
  EXPECT_LE(bias.abs().max().item<double>(), 1);
  EXPECT_THROW(BiasBasis::of(ImageView::of(some_images().shape(), some_images().train()), 11, 3, 0), Error);
}

}  // namespace
}  // namespace telltale::models
