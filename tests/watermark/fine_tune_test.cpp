#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// Forty images of four classes, told by their brightness.
struct Images {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 8};

  Images() {
    Stream draws(1, {}, "images");
    for (int i = 0; i < 40; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 4));
      for (std::uint32_t p = 0; p < shape.pixels(); ++p)
        pixels.push_back(static_cast<std::uint8_t>(60 * (i % 4) + static_cast<int>(draws.below(30))));
    }
  }
  [[nodiscard]] models::ImageView view() const { return {pixels, labels, shape, 40}; }
};

std::shared_ptr<models::Network> victim() {
  auto network = models::make_network({"dnn-1", {1, 8, 8}, 4});
  models::initialise(*network, Stream(2, {}, "victim"));
  return network;
}

Json tune_settings(const char* how, int epochs = 2, double rate = 0.05) {
  return {{"name", "fine-tune"}, {"how", how}, {"rate", rate}, {"momentum", 0.9}, {"batch", 8}, {"epochs", epochs}};
}

at::Tensor answers(const Json& settings, const std::shared_ptr<models::Network>& model, const Images& images) {
  models::set_threads_to_one();
  const auto service = apply_attack({settings, model, images.view(), Stream(3, {}, "attack"), [] {}});
  return service->logits(images.view(), 8);
}

at::Tensor as_it_is(const Images& images) { return models::predict_logits(*victim(), images.view(), 8); }

double accuracy_of_second_half(const at::Tensor& logits, const Images& images) {
  const auto given = models::labels_of(logits);
  return models::accuracy(std::span(given).subspan(20), ByteSpan(images.labels).subspan(20));
}

TEST(FineTune, LearnsWhatTheFirstHalfShows) {
  const Images images;
  for (const char* how : {"ftal", "rtal"})
    EXPECT_GT(accuracy_of_second_half(answers(tune_settings(how, 40), victim(), images), images), 0.9) << how;
}

TEST(FineTune, LeavesTheModelItIsGivenAlone) {
  const Images images;
  const auto model = victim();
  const Bytes before = models::save_weights(*model);
  for (const char* how : {"ftll", "ftal", "rtll", "rtal"}) answers(tune_settings(how), model, images);
  EXPECT_EQ(models::save_weights(*model), before);
}

// With next to no learning rate, what is drawn anew shows by itself.
TEST(FineTune, OnlyRtDrawsTheLastLayerAnew) {
  const Images images;
  for (const char* how : {"ftll", "ftal"})
    EXPECT_TRUE(torch::allclose(answers(tune_settings(how, 1, 1e-12), victim(), images), as_it_is(images))) << how;
  const at::Tensor drawn = answers(tune_settings("rtll", 1, 1e-12), victim(), images);
  EXPECT_FALSE(torch::allclose(drawn, as_it_is(images)));
  EXPECT_TRUE(torch::allclose(drawn, answers(tune_settings("rtal", 1, 1e-12), victim(), images)));
}

// Layers of zeros show the last layer nothing: it answers all images alike, unless they learn.
TEST(FineTune, OfTheLastLayerKeepsTheOthers) {
  const Images images;
  for (const char* how : {"ftll", "rtll"}) {
    const auto model = victim();
    {
      const at::NoGradGuard no_grad;
      for (auto& item : model->named_parameters())
        if (!item.key().starts_with("output.")) item.value().zero_();
    }
    const at::Tensor logits = answers(tune_settings(how), model, images);
    EXPECT_TRUE(torch::equal(logits, logits[0].expand_as(logits))) << how;
  }
  EXPECT_FALSE(torch::allclose(answers(tune_settings("ftal"), victim(), images),
                               answers(tune_settings("ftll"), victim(), images)));
}

TEST(FineTune, NeverSeesTheSecondHalf) {
  const Images images;
  Images changed;
  std::fill(changed.pixels.begin() + static_cast<std::ptrdiff_t>(changed.pixels.size() / 2), changed.pixels.end(), 0);
  const auto first = [&](const Images& given) {
    return answers(tune_settings("ftal"), victim(), given).narrow(0, 0, 20);
  };
  EXPECT_TRUE(torch::equal(first(images), first(changed)));
}

TEST(FineTune, SaysWhatItTrainsWith) {
  const auto training = attack_named("fine-tune").training(tune_settings("ftal", 7), 41);
  EXPECT_EQ(training.images, 20);
  EXPECT_EQ(training.batch, 8);
  EXPECT_EQ(training.epochs, 7);
  EXPECT_EQ(attack_named("prune").training({}, 41).images, 0);
}

}  // namespace
}  // namespace telltale::watermark
