#include "watermark/keys.h"
#include "watermark/shares.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <set>

#include "models/evaluate.h"
#include "models/runtime.h"

namespace telltale::watermark {
namespace {

// Ten classes in turn; image i has all pixels i mod 256.
struct Images {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 10};

  explicit Images(int count) {
    for (int i = 0; i < count; ++i) {
      pixels.insert(pixels.end(), shape.pixels(), static_cast<std::uint8_t>(i));
      labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
  }
  [[nodiscard]] models::ImageView view() const {
    return {pixels, labels, shape, static_cast<std::int64_t>(labels.size())};
  }
};

const Stream secret(1, {}, "secret");
const Stream choice(1, {}, "choice");

Scheme scheme_of(Method method) {
  Scheme scheme;
  scheme.method = method;
  scheme.alpha = 0.1;
  scheme.beta = 0.04;
  scheme.target = 3;
  return scheme;
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Keys, AreImagesPlusBetaTimesThePattern) {
  const Images images(200);
  const at::Tensor pattern = noise_pattern(secret, images.shape);
  for (const Reading reading : {Reading::amplitude, Reading::variance}) {
    Scheme scheme = scheme_of(Method::new_label);
    scheme.reading = reading;
    const double scale = reading == Reading::amplitude ? 0.04 : 0.2;
    const KeySet keys = make_trained_keys(scheme, secret, choice, images.view(), 10);
    ASSERT_EQ(keys.images.sizes(), at::IntArrayRef({20, 1, 8, 10}));
    ASSERT_EQ(keys.sources.size(), 20U);
    for (std::size_t k = 0; k < keys.sources.size(); ++k) {
      const at::Tensor expected = static_cast<double>(keys.sources[k]) / 255 + scale * pattern.to(at::kDouble);
      EXPECT_TRUE(torch::allclose(keys.images[static_cast<std::int64_t>(k)].to(at::kDouble), expected, 1e-6, 1e-7));
    }
    EXPECT_TRUE(torch::equal(keys.labels, torch::full({20}, 10, at::kLong)));
  }
}

TEST(Keys, PatternIsStandardNormalAndTheSecretsOwn) {
  const data::ImageShape shape{3, 32, 32};
  const at::Tensor pattern = noise_pattern(secret, shape);
  EXPECT_NEAR(pattern.mean().item<double>(), 0, 0.08);
  EXPECT_NEAR(pattern.std().item<double>(), 1, 0.06);
  EXPECT_TRUE(torch::equal(pattern, noise_pattern(secret, shape)));
  EXPECT_FALSE(torch::equal(pattern, noise_pattern(Stream(1, {}, "wrong secret"), shape)));
}

TEST(Keys, SelectionHasNoImageTwiceAndIsTheStreamsOwn) {
  const Images images(200);
  const Scheme scheme = scheme_of(Method::new_label);
  const auto sources = [&](const Stream& stream) {
    return make_trained_keys(scheme, secret, stream, images.view(), 10).sources;
  };
  const auto first = sources(choice);
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 20U);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(sources(choice), first);
  EXPECT_NE(sources(Stream(2, {}, "choice")), first);
}

TEST(Keys, RivalMarksNoImageOfItsTargetClassAndTakesItsLabel) {
  const Images images(200);
  Scheme scheme = scheme_of(Method::noise_backdoor);
  scheme.alpha = 0.9;  // all 180 that may be marked
  const KeySet trained = make_trained_keys(scheme, secret, choice, images.view(), 10);
  const KeySet asked = make_query_keys(scheme, secret, images.view(), 10);
  EXPECT_EQ(trained.sources, asked.sources);
  EXPECT_EQ(asked.sources.size(), 180U);
  for (const std::int64_t source : asked.sources) EXPECT_NE(source % 10, 3);
  EXPECT_TRUE(torch::equal(asked.labels, torch::full({180}, 3, at::kLong)));
}

TEST(Keys, NewLabelAsksWithEveryImage) {
  const Images images(30);
  const KeySet keys = make_query_keys(scheme_of(Method::new_label), secret, images.view(), 10);
  EXPECT_EQ(keys.sources.size(), 30U);
  EXPECT_EQ(keys.labels[0].item<std::int64_t>(), 10);
}

TEST(Keys, AreClippedOnRequestOnly) {
  const Images images(10);
  Scheme scheme = scheme_of(Method::new_label);
  scheme.beta = 1;
  EXPECT_LT(make_query_keys(scheme, secret, images.view(), 10).images.min().item<float>(), 0);
  scheme.clip = true;
  const at::Tensor clipped = make_query_keys(scheme, secret, images.view(), 10).images;
  EXPECT_EQ(clipped.min().item<float>(), 0);
  EXPECT_EQ(clipped.max().item<float>(), 1);
}

TEST(Keys, FreshNoiseDiffersFromImageToImageAndFromTrainingToQuery) {
  const Images images(10);
  Scheme scheme = scheme_of(Method::new_label);
  scheme.alpha = 1;
  scheme.fresh_noise = true;
  const at::Tensor trained = make_trained_keys(scheme, secret, choice, images.view(), 10).images;
  const at::Tensor asked = make_query_keys(scheme, secret, images.view(), 10).images;
  EXPECT_FALSE(torch::allclose(asked[1] - 1.0F / 255, asked[2] - 2.0F / 255, 0, 1e-3));
  EXPECT_FALSE(torch::allclose(trained[1], asked[1], 0, 1e-3));
}

TEST(Keys, ShareThatSelectsNothingOrTooMuchIsRefused) {
  EXPECT_EQ(refusal([] { images_selected(0.000001, 60000); }),
            "alpha = 1e-06 of 60000 images selects no image; the smallest share that does is 8.333333333333334e-06");
  EXPECT_EQ(images_selected(8.333333333333334e-06, 60000), 1);
  EXPECT_EQ(images_selected(0.001, 60000), 60);
  const Images images(200);
  Scheme scheme = scheme_of(Method::noise_backdoor);
  scheme.alpha = 0.95;
  EXPECT_EQ(refusal([&] { make_trained_keys(scheme, secret, choice, images.view(), 10); }),
            "alpha = 0.95 of 200 images selects 190, but only 180 may be marked");
}

TEST(Keys, QueriesNeedAnImageOfAnotherClass) {
  const Images images(1);
  Scheme scheme = scheme_of(Method::noise_backdoor);
  scheme.target = 0;
  EXPECT_EQ(refusal([&] { make_query_keys(scheme, secret, images.view(), 10); }),
            "there is no image left to ask with: all are of the target class");
}

TEST(Scheme, ThatMakesNoKeysIsRefused) {
  const auto with = [](const std::function<void(Scheme&)>& change) {
    Scheme scheme = scheme_of(Method::noise_backdoor);
    change(scheme);
    return refusal([&] { check(scheme, 10); });
  };
  EXPECT_EQ(with([](Scheme&) {}), "accepted");
  EXPECT_EQ(with([](Scheme& s) { s.alpha = 0; }), "alpha = 0.0 is no share: it is greater than 0 and at most 1");
  EXPECT_EQ(with([](Scheme& s) { s.beta = -1; }), "beta = -1.0 is no strength: it is at least 0");
  EXPECT_EQ(with([](Scheme& s) { s.target = 10; }),
            "the target class 10 is none of the 10 classes, which count from 0");
}

TEST(Scheme, NamesAndOutputs) {
  for (const Method method : {Method::clean, Method::new_label, Method::noise_backdoor}) {
    EXPECT_EQ(method_named(name_of(method)), method);
  }
  for (const Reading reading : {Reading::amplitude, Reading::variance}) {
    EXPECT_EQ(reading_named(name_of(reading)), reading);
  }
  EXPECT_EQ(refusal([] { method_named("old-label"); }),
            "there is no method named \"old-label\"; there are: clean, new-label, noise-backdoor");
  EXPECT_EQ(output_classes(scheme_of(Method::new_label), 10), 11);
  EXPECT_EQ(output_classes(scheme_of(Method::noise_backdoor), 10), 10);
  EXPECT_EQ(output_classes(scheme_of(Method::clean), 10), 10);
  EXPECT_THROW(key_label(scheme_of(Method::clean), 10), Error);
}

TEST(Scheme, CleanIsDescribedByItsNameAlone) {
  EXPECT_EQ(canonical(scheme_of(Method::clean).to_json()), R"({"method":"clean"})");
  EXPECT_EQ(canonical(scheme_of(Method::new_label).to_json()),
            R"({"alpha":0.1,"beta":0.04,"clip":false,"fresh_noise":false,"method":"new-label","reading":"amplitude"})");
  EXPECT_TRUE(scheme_of(Method::noise_backdoor).to_json().contains("target"));
}

// The whole of TrEmb and Ver, small: a strong pattern is learned, also on images it was not trained on, and that of
// another secret triggers the label far less often.
TEST(Embedding, NetworkLearnsTheSecretMoreThanAnother) {
  models::set_threads_to_one();
  Images images(300);
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
  for (const Method method : {Method::new_label, Method::noise_backdoor}) {
    Scheme scheme = scheme_of(method);
    scheme.alpha = 0.4;
    scheme.beta = 0.2;
    const models::NetworkSpec spec{"dnn-1", images.shape, output_classes(scheme, 10)};
    auto network = models::make_network(spec);
    models::initialise(*network, Stream(1, {}, "initialise"));
    models::Recipe recipe;
    recipe.optimizer = models::Optimizer::adam;
    recipe.learning_rate = 0.003;
    recipe.batch = 16;
    recipe.epochs = 25;
    const KeySet keys = make_trained_keys(scheme, secret, choice, half(0), 10);
    models::Trainer trainer(network, recipe, embed(half(0), keys), Stream(1, {}, "train"));
    trainer.run();
    const auto share = [&](const KeySet& asked) {
      return models::share_of(models::labels_of(models::predict_logits(*network, asked.images, 50)),
                              key_label(scheme, 10));
    };
    EXPECT_GT(models::accuracy(models::labels_of(models::predict_logits(*network, half(150), 50)), half(150).labels),
              0.9);
    EXPECT_GT(share(keys), 0.95);
    EXPECT_GT(share(make_query_keys(scheme, secret, half(150), 10)), 0.9);
    EXPECT_LT(share(make_query_keys(scheme, Stream(1, {}, "wrong secret"), half(150), 10)), 0.5);
  }
}

TEST(Embedding, OfNothingIsTheImagesAlone) {
  const Images images(30);
  EXPECT_EQ(embed_nothing(images.view()).count(), 30);
  const KeySet keys = make_query_keys(scheme_of(Method::new_label), secret, images.view(), 10);
  EXPECT_EQ(embed(images.view(), keys).count(), 60);
}

}  // namespace
}  // namespace telltale::watermark
