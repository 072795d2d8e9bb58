#include "models/transform.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/training.h"
#include "models/transforms/pattern.h"
#include "models/weights.h"
#include "samples.h"
#include "support/refusal.h"

namespace telltale::models {
namespace {

const data::ImageShape small{1, 8, 8};

TransformSpec spec_of(const std::string& name, Json more = Json::object()) {
  TransformSpec spec{name, small, small, "unit", {{"clip", false}}};
  if (name == "generator")
    spec.settings.update({{"generator_channels", 4}, {"generator_start", "drawn"}, {"generator_rate", 1}});
  else if (name == "keyed")
    spec.settings["key_block"] = 4;
  else
    spec.settings.update({{"sigma", 0.1}, {"pattern_share", 0.2}, {"pattern_on", "window"}});
  spec.settings.update(more);
  return spec;
}

std::shared_ptr<Transform> drawn(const TransformSpec& spec, const char* secret = "secret") {
  auto transform = make_transform(spec);
  transform->draw(Stream(5, {}, secret));
  return transform;
}

at::Tensor added(Transform& transform, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  return transform.forward(images) - images;
}

TEST(Transform, AFixedPatternHasItsThreeValuesInTheirShares) {
  const at::Tensor pattern = bipolar_pattern({1, 1, 100, 100}, 0.1, 0.2, Stream(1, {}, "pattern"));
  EXPECT_NEAR((pattern == 0.1F).to(at::kDouble).mean().item<double>(), 0.2, 0.02);
  EXPECT_NEAR((pattern == -0.1F).to(at::kDouble).mean().item<double>(), 0.2, 0.02);
  EXPECT_EQ(((pattern == 0) | (pattern.abs() == 0.1F)).sum().item<std::int64_t>(), pattern.numel());
}

TEST(Transform, APatternIsTheSecretsAndOneForAllImages) {
  const at::Tensor black = at::zeros({3, 1, 8, 8});
  for (const char* name : {"fixed", "learned"}) {
    const at::Tensor pattern = added(*drawn(spec_of(name)), black);
    EXPECT_TRUE(pattern[0].equal(pattern[2])) << name;
    EXPECT_TRUE(pattern.equal(added(*drawn(spec_of(name)), black))) << name;
    EXPECT_FALSE(pattern.equal(added(*drawn(spec_of(name), "another"), black))) << name;
  }
}

// Orthogonal: lengths and angles of blocks stay, and the transpose undoes it.
TEST(Transform, AKeyTurnsEveryBlockByAnOrthogonalMatrixOfItsOwn) {
  const auto transform = drawn(spec_of("keyed"));
  const at::Tensor keys = transform->buffers().front();
  ASSERT_EQ(keys.sizes(), at::IntArrayRef({4, 16, 16}));
  EXPECT_TRUE(at::allclose(keys.bmm(keys.transpose(1, 2)), at::eye(16).repeat({4, 1, 1}), 0, 1e-6));
  EXPECT_FALSE(at::allclose(keys[0], keys[1], 0, 1e-2));
  EXPECT_FALSE(at::allclose(keys, drawn(spec_of("keyed"), "another")->buffers().front(), 0, 1e-2));

  // One pixel of the last block: its image is a column of that block's matrix, and all else stays black.
  at::Tensor image = at::zeros({1, 1, 8, 8});
  image[0][0][5][6] = 1;  // of the block at (4, 4): row 1, column 2
  const at::Tensor made = transform->forward(image);
  EXPECT_TRUE(at::allclose(made.narrow(2, 4, 4).narrow(3, 4, 4).flatten(), keys[3].select(1, 1 * 4 + 2), 0, 1e-6));
  EXPECT_EQ(made.narrow(2, 0, 4).abs().max().item<float>(), 0);
  EXPECT_EQ(made.narrow(3, 0, 4).abs().max().item<float>(), 0);
}

TEST(Transform, ImagesThatABlockDoesNotDivideHaveNoKey) {
  TransformSpec spec = spec_of("keyed");
  spec.settings["key_block"] = 3;
  EXPECT_EQ(refusal<InputError>([&] { static_cast<void>(make_transform(spec)); }),
            "images of 1 x 8 x 8 have no blocks of 3 x 3 pixels");
}

TEST(Decoy, LabelsAreDiverseAndTheSecretsAndHalfOfTheImagesAreStrangers) {
  torch::manual_seed(4);
  const at::Tensor raw = torch::rand({200, 1, 8, 8});
  const Decoy decoy(spec_of("keyed"), 4, Stream(6, {}, "decoy"));
  const at::Tensor labels = decoy.labels(raw);
  for (int label = 0; label < 4; ++label) EXPECT_GT((labels == label).sum().item<std::int64_t>(), 20) << label;
  EXPECT_TRUE(labels.equal(decoy.labels(raw)));
  EXPECT_FALSE(labels.equal(Decoy(spec_of("keyed"), 4, Stream(7, {}, "decoy")).labels(raw)));

  const at::Tensor asked = decoy.images(raw);
  ASSERT_EQ(asked.sizes(), raw.sizes());
  EXPECT_TRUE(asked.narrow(0, 0, 100).equal(raw.narrow(0, 0, 100)));
  EXPECT_GT((asked - raw).narrow(0, 100, 100).abs().sum({1, 2, 3}).min().item<float>(), 0.1);
  // What is trained has no strangers.
  EXPECT_TRUE(Decoy(spec_of("generator"), 4, Stream(6, {}, "decoy")).images(raw).equal(raw));
}

TEST(Transform, AGeneratorAddsToEveryImageWhatItSays) {
  torch::manual_seed(3);
  const at::Tensor images = torch::rand({2, 1, 8, 8});
  const at::Tensor pattern = added(*drawn(spec_of("generator")), images);
  EXPECT_FALSE(pattern[0].equal(pattern[1]));
  EXPECT_LE(pattern.abs().max().item<double>(), 1);
}

TEST(Transform, AUnitOfSignedPixelsIsHalfOfOne) {
  TransformSpec spec = spec_of("fixed");
  spec.pixels = "signed";
  const at::Tensor black = at::zeros({1, 1, 8, 8});
  EXPECT_TRUE(added(*drawn(spec), black).mul(2).equal(added(*drawn(spec_of("fixed")), black)));
}

TEST(Transform, ClippedImagesStayInTheRangeOfPixels) {
  const at::Tensor black = at::zeros({1, 1, 8, 8});
  EXPECT_LT(drawn(spec_of("fixed"))->forward(black).min().item<double>(), 0);
  EXPECT_EQ(drawn(spec_of("fixed", {{"clip", true}}))->forward(black).min().item<double>(), 0);
}

// A pattern on the image moves and turns with it: what the network sees is a window of the image with its pattern.
TEST(Transform, APatternOnTheImageIsCutAndFlippedWithIt) {
  TransformSpec spec = spec_of("fixed", {{"pattern_on", "image"}});
  spec.whole = {1, 12, 12};
  const auto transform = drawn(spec);
  const at::Tensor pattern = transform->named_buffers()["pattern"];
  ASSERT_EQ(pattern.sizes(), at::IntArrayRef({1, 1, 12, 12}));
  for (const Variation& variation : {Variation{0, 0, false}, Variation{4, 1, true}, Variation{2, 2, false}}) {
    std::vector<float> cut(64);
    vary(pattern.data_ptr<float>(), spec.whole, variation, cut.data(), small);
    const at::Tensor black = at::zeros({1, 1, 8, 8});
    EXPECT_TRUE(transform->forward(black, std::span(&variation, 1)).flatten().equal(at::tensor(cut)));
    if (!variation.flip && variation.down == 2) {  // the middle, which is what is asked where nothing is varied
      EXPECT_TRUE(transform->forward(black).flatten().equal(at::tensor(cut)));
    }
  }
}

TEST(Transform, IsSavedAndLoadedBitForBit) {
  torch::manual_seed(3);
  const at::Tensor images = torch::rand({2, 1, 8, 8});
  for (const TransformKind& kind : transform_kinds()) {
    const auto transform = drawn(spec_of(kind.name));
    const Bytes bytes = save_transform(*transform);
    const auto again = load_transform(bytes);
    EXPECT_EQ(again->spec().to_json(), transform->spec().to_json());
    EXPECT_TRUE(added(*again, images).equal(added(*transform, images))) << kind.name;
    EXPECT_EQ(save_transform(*again), bytes);
  }
  EXPECT_EQ(refusal<Error>([] {
              static_cast<void>(load_transform(save_weights(*fresh_network({"dnn-1", small, 4}))));
            }),
            "stored tensors do not say their \"transform\"");
}

TEST(Transform, AnUnknownNameIsRefusedWithThoseThereAre) {
  EXPECT_EQ(refusal<InputError>([] { static_cast<void>(transform_kind("secret")); }),
            "there is no transform named \"secret\"; there are: fixed, learned, generator, keyed");
}

// Eq. 3, term by term, from the network's answers to either kind of image alone.
TEST(ProtectionLoss, IsEquation3) {
  set_threads_to_one();
  const auto network = fresh_network({"dnn-1", small, 4});
  const Samples samples(small, 6, 4);
  const at::Tensor images = planes_of(samples.view());
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>(samples.labels.begin(), samples.labels.end()));
  const auto transform = drawn(spec_of("generator"));
  for (const bool mean_norm : {false, true}) {
    const ProtectionWeights weights{.alpha = 2, .beta = 3, .gamma = 0.5, .mean_norm = mean_norm};
    ProtectionLoss loss(transform, weights, 4, Stream(1, {}, "secret"));
    network->train();
    const Objective::Value value = loss.of(*network, {images, labels, {}});
    network->eval();
    const at::NoGradGuard no_grad;
    const at::Tensor made = transform->forward(images);
    double authorised = 0, raw = 0, norm = 0;
    const at::Tensor right_p = predict_logits(*network, made, 6).to(at::kDouble).softmax(1),
                     right_r = predict_logits(*network, images, 6).to(at::kDouble).softmax(1);
    for (std::int64_t i = 0; i < 6; ++i) {
      const std::int64_t label = labels[i].item<std::int64_t>();
      authorised -= std::log(right_p[i][label].item<double>()) / 6;
      raw += right_r[i][label].item<double>() / 6;
      norm += (made[i] - images[i]).to(at::kDouble).square().sum().item<double>() / 6 / (mean_norm ? 64 : 1);
    }
    EXPECT_NEAR(value.loss.item<double>(), 2 * authorised + 3 * raw + 0.5 * norm, 1e-4);
    EXPECT_LT((value.logits - predict_logits(*network, made, 6)).abs().max().item<double>(), 1e-4);
  }
}

TEST(ProtectionLoss, WithADecoyIsBothCrossEntropies) {
  set_threads_to_one();
  const auto network = fresh_network({"dnn-1", small, 4});
  const Samples samples(small, 6, 4);
  const at::Tensor images = planes_of(samples.view());
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>(samples.labels.begin(), samples.labels.end()));
  const auto transform = drawn(spec_of("keyed"));
  const Stream secret(1, {}, "secret");
  ProtectionLoss loss(transform, {.alpha = 2, .beta = 3, .decoy = true}, 4, secret);
  network->train();
  const Objective::Value value = loss.of(*network, {images, labels, {}});
  network->eval();
  const Decoy decoy(transform->spec(), 4, secret.derive("decoy"));
  const at::Tensor authorised = at::cross_entropy_loss(predict_logits(*network, transform->forward(images), 6), labels),
                   others =
                       at::cross_entropy_loss(predict_logits(*network, decoy.images(images), 6), decoy.labels(images));
  EXPECT_NEAR(value.loss.item<double>(), 2 * authorised.item<double>() + 3 * others.item<double>(), 1e-4);
}

// Hinton, Vinyals and Dean 2015: a tenth of the loss is that of the labels; answers are compared at temperature 4.
TEST(ProtectionLoss, WithATeacherItsAnswersToRawImagesAreLearnedBesideLabels) {
  set_threads_to_one();
  const auto network = fresh_network({"dnn-1", small, 4});
  const auto teacher = make_network({"dnn-1", small, 4});
  initialise(*teacher, Stream(7, {}, "teacher"));
  const Bytes before = save_weights(*teacher);
  const Samples samples(small, 6, 4);
  const at::Tensor images = planes_of(samples.view());
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>(samples.labels.begin(), samples.labels.end()));
  const auto transform = drawn(spec_of("fixed"));
  ProtectionLoss loss(transform, {.alpha = 2, .beta = 0}, 4, Stream(1, {}, "secret"), teacher);
  network->train();
  Objective::Value value = loss.of(*network, {images, labels, {}});
  value.loss.backward();
  network->eval();
  const at::Tensor answers = predict_logits(*network, transform->forward(images), 6).to(at::kDouble);
  const at::Tensor taught = (predict_logits(*teacher, images, 6).to(at::kDouble) / 4).softmax(1);
  const double soft = -(taught * (answers / 4).log_softmax(1)).sum(1).mean().item<double>(),
               hard = at::cross_entropy_loss(answers, labels).item<double>();
  EXPECT_NEAR(value.loss.item<double>(), 2 * (0.9 * 16 * soft + 0.1 * hard), 1e-3);
  for (const at::Tensor& parameter : teacher->parameters()) EXPECT_FALSE(parameter.grad().defined());
  EXPECT_EQ(save_weights(*teacher), before);
}

struct ProtectedTraining {
  Samples samples{{1, 10, 10}, 21, 3};
  std::shared_ptr<Transform> transform;
  Trainer trainer;

  explicit ProtectedTraining(const TransformSpec& spec, double weight_decay = 1e-3, bool decays = true,
                             bool decoy = false)
      : transform(drawn(spec)),
        trainer(fresh_network({"dnn-1", small, 3}), recipe(weight_decay), {samples.view(), {}, {}},
                Stream(1, {}, "train"),
                std::make_shared<ProtectionLoss>(transform, ProtectionWeights{.decoy = decoy, .decays = decays}, 3,
                                                 Stream(5, {}, "secret"))) {}

  static Recipe recipe(double weight_decay) {
    Recipe recipe;
    recipe.learning_rate = 0.05;
    recipe.momentum = 0.9;
    recipe.weight_decay = weight_decay;
    recipe.batch = 8;
    recipe.epochs = 2;
    recipe.augmentation = Augmentation::window_flip;
    return recipe;
  }
};

TransformSpec windowed(const std::string& name, const char* on = "image") {
  TransformSpec spec = spec_of(name);
  spec.whole = {1, 10, 10};
  if (spec.settings.contains("pattern_on")) spec.settings["pattern_on"] = on;
  return spec;
}

// A checkpoint holds the transform: resumed after any step, network and transform end as uninterrupted.
TEST(ProtectedTraining, ResumedAfterAnyStepEndsAsUninterrupted) {
  set_threads_to_one();
  for (const auto& [name, decoy] :
       {std::pair{"fixed", false}, {"learned", false}, {"generator", false}, {"keyed", true}}) {
    ProtectedTraining whole(windowed(name), 1e-3, true, decoy);
    std::vector<Bytes> after{whole.trainer.checkpoint()};
    whole.trainer.run([&] { after.push_back(whole.trainer.checkpoint()); });
    for (const std::size_t from : {0, 2, 3, 5}) {
      ProtectedTraining resumed(windowed(name), 1e-3, true, decoy);
      resumed.trainer.restore(after.at(from));
      resumed.trainer.run();
      EXPECT_EQ(resumed.trainer.checkpoint(), after.back()) << name << " from step " << from;
      EXPECT_EQ(save_transform(*resumed.transform), save_transform(*whole.transform)) << name;
    }
  }
}

TEST(ProtectedTraining, ACheckpointOfAnotherObjectiveIsRefused) {
  set_threads_to_one();
  const Bytes checkpoint = ProtectedTraining(windowed("generator")).trainer.checkpoint();
  EXPECT_NE(refusal<Error>([&] {
              ProtectedTraining(windowed("learned")).trainer.restore(checkpoint);
            }).find("the checkpoint is of another training: its objective is"),
            std::string::npos);
}

TEST(ProtectedTraining, TrainsWhatTheTransformLeavesOpenAndNoMore) {
  set_threads_to_one();
  for (const TransformKind& kind : transform_kinds()) {
    ProtectedTraining training(windowed(kind.name));
    const Bytes before = save_transform(*training.transform);
    training.trainer.run();
    EXPECT_EQ(save_transform(*training.transform) != before, kind.is_trained) << kind.name;
  }
}

TEST(ProtectedTraining, AGeneratorLearnsAtItsOwnRate) {
  set_threads_to_one();
  const auto moved = [](double rate) {
    TransformSpec spec = windowed("generator");
    spec.settings["generator_rate"] = rate;
    ProtectedTraining training(spec);
    const at::Tensor before = training.transform->parameters().front().detach().clone();
    training.trainer.run();
    return (training.transform->parameters().front().detach() - before).abs().max().item<double>();
  };
  const double slow = moved(1e-6);
  EXPECT_GT(slow, 0);
  EXPECT_GT(moved(1), 1000 * slow);
}

TEST(ProtectedTraining, WeightDecayIsTheTransformsWhereItIsAsked) {
  set_threads_to_one();
  const auto after = [](double decay, bool decays) {
    ProtectedTraining training(windowed("learned"), decay, decays);
    training.trainer.step();
    return training.transform->named_parameters()["pattern"].detach().clone();
  };
  EXPECT_TRUE(after(0, true).equal(after(0.1, false)));
  EXPECT_FALSE(after(0, true).equal(after(0.1, true)));
}

// Windows in training: the network sees parts of the images, and of images as large as itself nothing but those.
TEST(Windows, TheMiddleIsWhatATestSees) {
  const Samples samples({1, 10, 12}, 3, 3);
  const WindowedImages windows(samples.view(), small);
  EXPECT_EQ(windows.view().shape, small);
  EXPECT_EQ(windows.view().count, 3);
  for (int row = 0; row < 8; ++row)
    for (int column = 0; column < 8; ++column)
      EXPECT_EQ(windows.view().image(2)[static_cast<std::size_t>(row * 8 + column)],
                samples.view().image(2)[static_cast<std::size_t>((row + 1) * 12 + column + 2)]);
  const WindowedImages whole(samples.view(), samples.shape);
  EXPECT_EQ(whole.view().pixels.data(), samples.view().pixels.data());
  EXPECT_THROW(WindowedImages(samples.view(), {1, 11, 8}), Error);
}

}  // namespace
}  // namespace telltale::models
