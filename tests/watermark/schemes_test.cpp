#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "core/error.h"
#include "core/identity.h"
#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/training.h"
#include "support/refusal.h"
#include "watermark/schemes/added_noise.h"

namespace telltale::watermark {
namespace {

// Ten classes in turn; image i has all pixels i mod 256.
struct NumberedImages {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 10};

  explicit NumberedImages(int count) {
    for (int i = 0; i < count; ++i) {
      pixels.insert(pixels.end(), shape.pixels(), static_cast<std::uint8_t>(i));
      labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
  }
  [[nodiscard]] models::ImageView view() const {
    return {pixels, labels, shape, static_cast<std::int64_t>(labels.size())};
  }
};

Json scheme_settings(const std::string& scheme) {
  return {{"method", scheme}, {"reading", "amplitude"}, {"alpha", 0.1}, {"beta", 0.04},
          {"clip", false},    {"noise", "fixed"},       {"seed", 1},    {"repeat", 0},
          {"target", 3}};
}

// Twenty training images of each class.
ClassCounts twenty_each() { return ClassCounts(10, 20); }

Json with(Json settings, const char* name, const Json& value) {
  settings[name] = value;
  return settings;
}

// The same images to train on and to ask with.
KeySamples embedded(const Json& settings, const NumberedImages& images) {
  return scheme_of(settings).embedded({settings, images.view(), images.view(), 10});
}
KeySamples queries(const Json& settings, const NumberedImages& images, Query query = Query::fresh,
                   std::int64_t limit = 0) {
  return scheme_of(settings).queries({settings, images.view(), images.view(), 10}, query, limit);
}

Stream secret_of_repeat(int repeat) {
  return Stream(KeyStreams(with(scheme_settings("new-label"), "repeat", repeat)).secret);
}

TEST(NoiseKeys, AreImagesPlusTheScaledPattern) {
  const NumberedImages images(200);
  const std::vector<float> pattern = noise_pattern(secret_of_repeat(0), images.shape);
  for (const auto& [reading, scale] : {std::pair("amplitude", 0.04), std::pair("variance", 0.2)}) {
    const KeySamples keys = embedded(with(scheme_settings("new-label"), "reading", reading), images);
    ASSERT_EQ(keys.count(), 20);
    for (std::size_t k = 0; k < keys.sources.size(); ++k)
      for (std::size_t i = 0; i < pattern.size(); ++i)
        EXPECT_NEAR(keys.pixels[k * pattern.size() + i],
                    static_cast<double>(keys.sources[k]) / 255 + scale * static_cast<double>(pattern[i]), 1e-6);
    EXPECT_EQ(keys.labels, std::vector<std::int64_t>(20, 10));
  }
}

TEST(NoiseKeys, PatternIsStandardNormalAndTheSecretsOwn) {
  const data::ImageShape shape{3, 32, 32};
  const std::vector<float> pattern = noise_pattern(secret_of_repeat(0), shape);
  double sum = 0, squares = 0;
  for (const float value : pattern) sum += value, squares += static_cast<double>(value) * value;
  const auto count = static_cast<double>(pattern.size());
  EXPECT_NEAR(sum / count, 0, 0.08);
  EXPECT_NEAR(squares / count, 1, 0.12);
  EXPECT_EQ(pattern, noise_pattern(secret_of_repeat(0), shape));
  EXPECT_NE(pattern, noise_pattern(secret_of_repeat(1), shape));
}

TEST(NoiseKeys, SelectionHasNoImageTwiceAndIsAFunctionOfTheSettings) {
  const NumberedImages images(200);
  const Json settings = scheme_settings("new-label");
  const auto first = embedded(settings, images).sources;
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 20U);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(embedded(settings, images).sources, first);
  EXPECT_NE(embedded(with(settings, "seed", 2), images).sources, first);
}

TEST(NoiseKeys, OfTheRivalAreOfNoImageOfItsTargetClassAndTakeItsLabel) {
  const NumberedImages images(200);
  const Json settings = with(scheme_settings("noise-backdoor"), "alpha", 0.9);  // all 180 that may be marked
  const KeySamples trained = embedded(settings, images), asked = queries(settings, images);
  EXPECT_EQ(trained.sources, asked.sources);
  EXPECT_EQ(asked.count(), 180);
  for (const std::int64_t source : asked.sources) EXPECT_NE(source % 10, 3);
  EXPECT_EQ(asked.labels, std::vector<std::int64_t>(180, 3));
}

TEST(NoiseKeys, OfTheNewLabelAskWithEveryImage) {
  const KeySamples keys = queries(scheme_settings("new-label"), NumberedImages(30));
  EXPECT_EQ(keys.count(), 30);
  EXPECT_EQ(keys.labels.front(), 10);
}

TEST(NoiseKeys, AreMadeOfTheFirstImagesUpToALimit) {
  const NumberedImages images(30);
  const Json settings = scheme_settings("noise-backdoor");
  EXPECT_EQ(queries(settings, images, Query::fresh, 10).count(), 9);  // the target class left out
  EXPECT_EQ(queries(with(settings, "alpha", 0.5), images, Query::trained, 10).count(), 10);
}

// What is drawn of known settings must not change by itself: networks that exist were trained on it.
TEST(NoiseKeys, OfKnownSettingsStayAsTheyAre) {
  const auto hash = [](const KeySamples& keys) {
    return Identity::of(
               ByteSpan(reinterpret_cast<const std::uint8_t*>(keys.pixels.data()), keys.pixels.size() * sizeof(float)))
        .brief();
  };
  const NumberedImages images(50);
  EXPECT_EQ(hash(embedded(scheme_settings("new-label"), images)), "f7dd5a90b096");
  EXPECT_EQ(hash(embedded(with(scheme_settings("noise-backdoor"), "noise", "fresh"), images)), "13d5aa3f3e25");
  EXPECT_EQ(hash(queries(scheme_settings("new-label"), images, Query::wrong_secret)), "1a367ca30ac6");
}

TEST(NoiseKeys, OfAnotherSecretHaveAnotherPattern) {
  const NumberedImages images(5);
  const Json settings = scheme_settings("new-label");
  EXPECT_EQ(queries(settings, images).sources, queries(settings, images, Query::wrong_secret).sources);
  EXPECT_NE(queries(settings, images).pixels, queries(settings, images, Query::wrong_secret).pixels);
}

TEST(NoiseKeys, OfADecoyAreOfTheSameImagesWithAnotherPattern) {
  const NumberedImages images(200);
  const Json settings = scheme_settings("new-label");
  const KeySamples keys = embedded(settings, images), decoy = embedded(with(settings, "decoy", 0), images);
  EXPECT_EQ(keys.sources, decoy.sources);
  EXPECT_EQ(keys.labels, decoy.labels);
  EXPECT_NE(keys.pixels, decoy.pixels);
  EXPECT_NE(decoy.pixels, embedded(with(settings, "decoy", 1), images).pixels);
  EXPECT_NE(decoy.pixels, queries(settings, images, Query::wrong_secret).pixels);
}

TEST(NoiseKeys, AreClippedOnRequestOnly) {
  const NumberedImages images(10);
  const Json settings = with(scheme_settings("new-label"), "beta", 1);
  const auto range = [&](bool clip) {
    const auto pixels = queries(with(settings, "clip", clip), images).pixels;
    return std::pair(*std::min_element(pixels.begin(), pixels.end()), *std::max_element(pixels.begin(), pixels.end()));
  };
  EXPECT_LT(range(false).first, 0);
  EXPECT_EQ(range(true), std::pair(0.0F, 1.0F));
}

TEST(NoiseKeys, FreshNoiseDiffersFromImageToImageAndFromTrainingToQuery) {
  const NumberedImages images(10);
  const Json settings = with(with(scheme_settings("new-label"), "alpha", 1), "noise", "fresh");
  const std::vector<float> trained = embedded(settings, images).pixels, asked = queries(settings, images).pixels;
  // The largest difference of two images' noise.
  const auto apart = [&](const std::vector<float>& a, std::size_t image_a, const std::vector<float>& b,
                         std::size_t image_b) {
    const std::size_t size = images.shape.pixels();
    float most = 0;
    for (std::size_t i = 0; i < size; ++i)
      most = std::max(most, std::abs((a[image_a * size + i] - static_cast<float>(image_a) / 255) -
                                     (b[image_b * size + i] - static_cast<float>(image_b) / 255)));
    return most;
  };
  EXPECT_GT(apart(asked, 1, asked, 2), 1e-3);
  EXPECT_GT(apart(asked, 1, trained, 1), 1e-3);
}

TEST(NoiseKeys, ShareThatSelectsNothingOrTooMuchIsRefused) {
  EXPECT_EQ(refusal([] { static_cast<void>(images_selected(0.000001, 60000)); }),
            "alpha = 1e-06 of 60000 images selects no image; the smallest share that does is 8.333333333333334e-06");
  EXPECT_EQ(images_selected(8.333333333333334e-06, 60000), 1);
  EXPECT_EQ(images_selected(0.001, 60000), 60);
  const NumberedImages images(200);
  EXPECT_EQ(refusal([&] { embedded(with(scheme_settings("noise-backdoor"), "alpha", 0.95), images); }),
            "a share of 0.95 is more than the 180 of 200 images that noise-backdoor may mark");
  EXPECT_EQ(embedded(with(scheme_settings("new-label"), "alpha", 1), images).count(), 200);
}

TEST(NoiseKeys, NeedAnImageOfAnotherClass) {
  EXPECT_EQ(refusal([] { queries(with(scheme_settings("noise-backdoor"), "target", 0), NumberedImages(1)); }),
            "there is no image left to ask with: all are of the target class");
}

TEST(Schemes, RefuseSettingsThatMakeNoKeys) {
  const NumberedImages images(200);
  const auto refused = [&](const char* name, const Json& value) {
    return refusal([&] { embedded(with(scheme_settings("noise-backdoor"), name, value), images); });
  };
  EXPECT_EQ(refused("alpha", 0.1), "accepted");
  EXPECT_EQ(refused("alpha", 0.0), "alpha = 0.0 is no share: it is greater than 0 and at most 1");
  EXPECT_EQ(refused("beta", -1.0), "beta = -1.0 is no strength: it is at least 0");
  EXPECT_EQ(refused("target", 10), "the target class 10 is none of the 10 classes, which count from 0");
  EXPECT_EQ(refused("reading", "deviation"),
            "there is no reading of beta named \"deviation\"; there are: amplitude, variance");
}

TEST(Schemes, AreFoundByNameAndSayTheirOutputs) {
  EXPECT_EQ(refusal([] { static_cast<void>(scheme_named("old-label")); }),
            "there is no scheme named \"old-label\"; there are: content, unrelated, noise, new-label, noise-backdoor, "
            "aime, telltale, clean");
  for (const Scheme* scheme : schemes()) EXPECT_EQ(&scheme_named(scheme->name()), scheme);
  EXPECT_EQ(scheme_named("new-label").outputs(10), 11);
  EXPECT_EQ(scheme_named("noise-backdoor").outputs(10), 10);
  EXPECT_EQ(scheme_named("clean").outputs(10), 10);
}

TEST(Schemes, CleanMarksNothing) {
  EXPECT_FALSE(scheme_named("clean").marks());
  EXPECT_EQ(embedded({{"method", "clean"}}, NumberedImages(10)).count(), 0);
}

// Plans count on it before any sample is made.
TEST(Schemes, SayHowManySamplesTheyEmbed) {
  const NumberedImages images(200);
  for (const char* name : {"new-label", "noise-backdoor", "clean"})
    EXPECT_EQ(scheme_named(name).embedded_count(scheme_settings(name), twenty_each()),
              embedded(scheme_settings(name), images).count())
        << name;
}

// The whole of TrEmb and Ver, small: a strong pattern is learned, also on images it was not trained on, and that of
// another secret triggers the label far less often.
TEST(Embedding, NetworkLearnsTheSecretMoreThanAnother) {
  models::set_threads_to_one();
  NumberedImages images(300);
  Stream draws(5, {}, "pixels");
  for (std::size_t i = 0; i < images.pixels.size(); ++i) {  // class c lights up eight pixels of its own
    const auto pixel = static_cast<int>(i % images.shape.pixels());
    const bool lit = pixel / 8 == images.labels[i / images.shape.pixels()];
    images.pixels[i] = static_cast<std::uint8_t>((lit ? 180 : 20) + draws.below(40));
  }
  const auto half = [&](std::int64_t first) {
    const auto size = static_cast<std::size_t>(images.view().pixels_each());
    const auto from = static_cast<std::size_t>(first);
    return models::ImageView{ByteSpan(images.pixels).subspan(from * size, 150 * size),
                             ByteSpan(images.labels).subspan(from, 150), images.shape, 150};
  };
  for (const std::string name : {"new-label", "noise-backdoor"}) {
    const Json settings = with(with(scheme_settings(name), "alpha", 0.4), "beta", 0.2);
    const Scheme& scheme = scheme_of(settings);
    const KeyInputs inputs{settings, half(0), half(150), 10};
    const auto tensor = [&](const KeySamples& keys) {
      return torch::tensor(keys.pixels).view({keys.count(), 1, images.shape.height, images.shape.width});
    };
    auto network = models::make_network({"dnn-1", images.shape, scheme.outputs(10), {}});
    models::initialise(*network, Stream(1, {}, "initialise"));
    models::Recipe recipe;
    recipe.optimizer = models::Optimizer::adam;
    recipe.learning_rate = 0.003;
    recipe.batch = 16;
    recipe.epochs = 25;
    const KeySamples keys = scheme.embedded(inputs);
    models::Trainer trainer(network, recipe, {half(0), tensor(keys), torch::tensor(keys.labels)},
                            Stream(1, {}, "train"));
    trainer.run();
    const auto share = [&](Query query) {
      const KeySamples asked = scheme.queries(inputs, query, 0);
      return models::accuracy(models::labels_of(models::predict_logits(*network, tensor(asked), 50)), asked.labels);
    };
    EXPECT_GT(models::accuracy(models::labels_of(models::predict_logits(*network, half(150), 50)), half(150).labels),
              0.9);
    EXPECT_GT(share(Query::trained), 0.95);
    EXPECT_GT(share(Query::fresh), 0.9);
    EXPECT_LT(share(Query::wrong_secret), 0.5);
  }
}

}  // namespace
}  // namespace telltale::watermark
