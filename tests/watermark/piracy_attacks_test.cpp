// What a thief tries on a network that works behind a transform alone.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/transform.h"
#include "support/refusal.h"
#include "watermark/attacks/spectrum.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

struct Stolen {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 8};
  std::shared_ptr<models::Network> network = models::make_network({"dnn-1", shape, 4});
  std::shared_ptr<models::Transform> transform;
  double fit_error = -1, corrected = -1;

  explicit Stolen(const std::string& name) {
    models::set_threads_to_one();
    Stream draws(1, {}, "images");
    for (int i = 0; i < 40; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 4));
      for (std::uint32_t p = 0; p < shape.pixels(); ++p)
        pixels.push_back(static_cast<std::uint8_t>(60 * (i % 4) + static_cast<int>(draws.below(30))));
    }
    models::initialise(*network, Stream(2, {}, "stolen"));
    Json settings = {{"clip", false}};
    if (name == "generator")
      settings.update({{"generator_channels", 4}, {"generator_start", "drawn"}, {"generator_rate", 1}});
    else if (name == "keyed")
      settings["key_block"] = 4;
    else
      settings.update({{"sigma", 0.1}, {"pattern_share", 0.2}, {"pattern_on", "window"}});
    transform = models::make_transform({name, shape, shape, "unit", settings});
    transform->draw(Stream(3, {}, "secret"));
  }
  [[nodiscard]] models::ImageView view() const { return {pixels, labels, shape, 40}; }

  at::Tensor raw_answers(const Json& settings, const char* attempt = "0") {
    AttackInputs inputs{settings, network, view(), Stream(4, {}, attempt), [] {}};
    inputs.transform = transform;
    inputs.owner_images = view();
    inputs.kind = transform->spec().to_json();
    inputs.device = serve_behind(network, [this](const at::Tensor& images) { return transform->forward(images); });
    inputs.measured = [&](const std::string& name, double value) {
      (name == "corrected" ? corrected : fit_error) = value;
    };
    return apply_attack(inputs)->logits(view(), 8);
  }
  at::Tensor authorised_answers() {
    return models::predict_logits(*network, models::processed(*transform, view(), 8), 8);
  }
};

Json pair_settings(const char* model, int pairs, int steps = 1) {
  return {{"name", "pairs"}, {"model", model}, {"pairs", pairs}, {"steps", steps},
          {"rate", 0.01},    {"batch", 16},    {"block", 4}};
}

double largest_difference(const at::Tensor& one, const at::Tensor& other) {
  return (one - other).abs().max().item<double>();
}

// Sec. 2.3: the difference of one pair is the pattern of all.
TEST(Pairs, OneIsEnoughForAPatternThatIsAlwaysTheSame) {
  for (const char* name : {"fixed", "learned"}) {
    Stolen stolen(name);
    EXPECT_LT(largest_difference(stolen.raw_answers(pair_settings("pattern", 1)), stolen.authorised_answers()), 1e-4)
        << name;
    EXPECT_LT(stolen.fit_error, 1e-6);
  }
}

// As many equations as a block has pixels: with fewer the key stays unknown.
TEST(Pairs, AKeyOpensToAsManyAsABlockHasPixels) {
  Stolen stolen("keyed");
  stolen.raw_answers(pair_settings("linear", 8));
  const double few = stolen.fit_error;
  const at::Tensor opened = stolen.raw_answers(pair_settings("linear", 40));
  EXPECT_LT(stolen.fit_error, few / 20);
  EXPECT_LT(largest_difference(opened, stolen.authorised_answers()), 0.01);
}

TEST(Pairs, TheFitGetsBetterWithItsSteps) {
  for (const char* model : {"generator", "deep"}) {
    Stolen stolen("generator");
    stolen.raw_answers(pair_settings(model, 40, 1));
    const double before = stolen.fit_error;
    stolen.raw_answers(pair_settings(model, 40, 150));
    EXPECT_LT(stolen.fit_error, before / 2) << model;
  }
}

TEST(Pairs, EveryTryDrawsItsOwnAndTheSameTryTheSame) {
  Stolen stolen("generator");
  const Json settings = pair_settings("generator", 10, 5);
  EXPECT_TRUE(stolen.raw_answers(settings, "0").equal(stolen.raw_answers(settings, "0")));
  EXPECT_FALSE(stolen.raw_answers(settings, "0").equal(stolen.raw_answers(settings, "1")));
}

TEST(Pairs, WithoutATransformThereAreNone) {
  Stolen stolen("fixed");
  const Json settings = pair_settings("pattern", 1);
  EXPECT_EQ(refusal<Error>([&] {
              static_cast<void>(apply_attack({settings, stolen.network, stolen.view(), Stream(1, {}, ""), [] {}}));
            }),
            "a pair attack needs images behind a transform");
}

// All that is known is how a pattern is drawn: added to raw images, and nothing of the network is changed.
TEST(InputOnly, AddsABipolarPatternOfItsOwn) {
  Stolen stolen("fixed");
  const Json settings = {{"name", "input-only"}, {"as", "pattern"}, {"sigma", 0.1}, {"share", 0.2}};
  const at::Tensor plain = models::predict_logits(*stolen.network, stolen.view(), 8);
  EXPECT_GT(largest_difference(stolen.raw_answers(settings, "0"), plain), 1e-3);
  EXPECT_GT(largest_difference(stolen.raw_answers(settings, "0"), stolen.raw_answers(settings, "1")), 1e-3);
  const Json nothing = {{"name", "input-only"}, {"as", "pattern"}, {"sigma", 0.1}, {"share", 0}};
  EXPECT_LT(largest_difference(stolen.raw_answers(nothing), plain), 1e-5);
}

TEST(InputOnly, MayDrawAKeyAsTheOwnerDidAndGetsAnother) {
  Stolen stolen("keyed");
  const Json settings = {{"name", "input-only"}, {"as", "key"}, {"sigma", 0.1}, {"share", 0.2}};
  const at::Tensor one = stolen.raw_answers(settings, "0");
  EXPECT_GT(largest_difference(one, stolen.authorised_answers()), 1e-3);
  EXPECT_GT(largest_difference(one, stolen.raw_answers(settings, "1")), 1e-3);
}

Json extract_settings(const char* answers, const char* start, int steps = 300) {
  return {{"name", "extract"}, {"queries", 20},  {"answers", answers}, {"network", "same"},
          {"start", start},    {"steps", steps}, {"rate", 0.05},       {"batch", 8}};
}

// The device of this test answers as it happens to: what is learned are its answers, and not the labels.
TEST(Extract, TheStudentAnswersRawImagesAsTheDeviceDoes) {
  for (const char* answers : {"labels", "probabilities"}) {
    Stolen stolen("fixed");
    const at::Tensor student = stolen.raw_answers(extract_settings(answers, "drawn")).softmax(1);
    const at::Tensor device = stolen.authorised_answers().softmax(1);
    EXPECT_GT(models::accuracy(models::labels_of(student), models::labels_of(device)), 0.9) << answers;
    EXPECT_GT(stolen.fit_error, 0.9) << "the agreement that it measures";
  }
}

TEST(Extract, MayBeginWithTheStolenWeights) {
  Stolen stolen("fixed");
  EXPECT_FALSE(stolen.raw_answers(extract_settings("labels", "stolen", 1))
                   .equal(stolen.raw_answers(extract_settings("labels", "drawn", 1))));
  EXPECT_FALSE(attack_named("extract").has_meaning({{"start", "stolen"}, {"network", "dnn-2"}}));
}

Json adaptive_settings(const char* answers, int votes, double keep, double known) {
  Json settings = extract_settings(answers, "drawn");
  settings.update({{"name", "adaptive-extract"}, {"votes", votes}, {"keep", keep}, {"known", known}});
  return settings;
}

// Without any of what he adds to it he is the thief of attack extract.
TEST(AdaptiveExtract, OfOneVoteOfAllImagesAndNoKnownLabelIsExtraction) {
  for (const char* answers : {"labels", "probabilities"}) {
    Stolen stolen("fixed");
    EXPECT_TRUE(stolen.raw_answers(adaptive_settings(answers, 1, 1, 0))
                    .equal(stolen.raw_answers(extract_settings(answers, "drawn"))))
        << answers;
  }
}

// Four classes told by their brightness, which the device answers as it happens to.
TEST(AdaptiveExtract, KnownLabelsTakeThePlaceOfAnswers) {
  Stolen stolen("fixed");
  const auto right = [&](double known) {
    return models::accuracy(models::labels_of(stolen.raw_answers(adaptive_settings("labels", 1, 1, known))),
                            stolen.labels);
  };
  EXPECT_GT(right(1), 0.9);
  EXPECT_LT(right(0), 0.9);
}

// What is told by nobody is what he knows.
TEST(Scratch, IsTheThiefWhoKnowsAllLabelsHimself) {
  Stolen stolen("fixed");
  Json settings = extract_settings("labels", "drawn");
  settings["name"] = "scratch";
  EXPECT_TRUE(stolen.raw_answers(settings).equal(stolen.raw_answers(adaptive_settings("labels", 1, 1, 1))));
  EXPECT_TRUE(attack_named("scratch").is_control());
}

TEST(AdaptiveExtract, AVoteAndImagesLeftOutMakeAnotherStudent) {
  Stolen stolen("fixed");
  const at::Tensor plain = stolen.raw_answers(adaptive_settings("probabilities", 1, 1, 0));
  EXPECT_FALSE(plain.equal(stolen.raw_answers(adaptive_settings("probabilities", 5, 1, 0))));
  EXPECT_FALSE(plain.equal(stolen.raw_answers(adaptive_settings("probabilities", 1, 0.5, 0))));
  EXPECT_GE(stolen.corrected, 0);
}

Json regain_settings(const char* by, int labels, int steps = 100) {
  return {{"name", "regain"}, {"by", by},   {"labels", labels}, {"steps", steps},
          {"rate", 0.05},     {"batch", 8}, {"block", 4}};
}

double accuracy_on_second_half(const at::Tensor& logits, const Stolen& stolen) {
  const auto given = models::labels_of(logits);
  return models::accuracy(std::span(given).subspan(20), ByteSpan(stolen.labels).subspan(20));
}

// Four classes told by their brightness: whoever learns from labels has them all.
TEST(Regain, EveryWayThatTrainsLearnsFromTheThiefsLabels) {
  for (const char* by : {"tune", "self-tune", "scratch", "self-training"}) {
    Stolen stolen("fixed");
    EXPECT_GT(accuracy_on_second_half(stolen.raw_answers(regain_settings(by, 5)), stolen), 0.9) << by;
  }
}

TEST(Regain, AReadoutAndAPerturbationLeaveTheNetworkAsItIs) {
  for (const char* by : {"readout", "universal"}) {
    Stolen stolen("fixed");
    const at::Tensor before = models::predict_logits(*stolen.network, stolen.view(), 8);
    const double as_stolen = accuracy_on_second_half(before, stolen);
    EXPECT_GT(accuracy_on_second_half(stolen.raw_answers(regain_settings(by, 5)), stolen), as_stolen) << by;
    EXPECT_TRUE(models::predict_logits(*stolen.network, stolen.view(), 8).equal(before)) << by;
    for (const at::Tensor& parameter : stolen.network->parameters()) EXPECT_TRUE(parameter.requires_grad()) << by;
  }
}

// A network without biases sees no brightness through linear maps: what falls is the loss.
TEST(Regain, MatricesOfBlocksAreFittedToTheThiefsLabels) {
  Stolen stolen("keyed");
  Json settings = regain_settings("blocks", 5);
  settings["rate"] = 0.005;
  std::vector<std::int64_t> labels(stolen.labels.begin(), stolen.labels.end());
  const auto loss = [&](const at::Tensor& logits) {
    return at::cross_entropy_loss(logits, at::tensor(labels)).item<double>();
  };
  const at::Tensor before = models::predict_logits(*stolen.network, stolen.view(), 8);
  EXPECT_LT(loss(stolen.raw_answers(settings)), loss(before));
  EXPECT_TRUE(models::predict_logits(*stolen.network, stolen.view(), 8).equal(before));
  settings["block"] = 3;
  EXPECT_EQ(refusal<InputError>([&] { stolen.raw_answers(settings); }),
            "images of 1 x 8 x 8 have no blocks of 3 x 3 pixels");
}

// Without labels the perturbation makes answers sure and diverse; nothing else has a meaning then.
TEST(Regain, WithoutLabelsThereIsAPerturbationAlone) {
  Stolen stolen("fixed");
  const auto information = [](const at::Tensor& logits) {
    const at::Tensor shares = logits.to(at::kDouble).softmax(1), mean = shares.mean(0);
    return ((shares * shares.log()).sum(1).mean() - (mean * mean.log()).sum()).item<double>();
  };
  const double before = information(models::predict_logits(*stolen.network, stolen.view(), 8));
  EXPECT_GT(information(stolen.raw_answers(regain_settings("universal", 0))), before);
  EXPECT_GT(information(stolen.raw_answers(regain_settings("blocks", 0))), before);
  EXPECT_GT(information(stolen.raw_answers(regain_settings("spectrum", 0))), before);
  for (const char* by : {"tune", "self-tune", "readout", "scratch", "self-training"}) {
    EXPECT_FALSE(attack_named("regain").has_meaning(regain_settings(by, 0))) << by;
    EXPECT_TRUE(attack_named("regain").has_meaning(regain_settings(by, 1))) << by;
  }
  EXPECT_TRUE(attack_named("regain").has_meaning(regain_settings("universal", 0)));
}

// Scratch is what a thief has without the network: it does not depend on which he stole.
TEST(Regain, ScratchDoesNotLookAtTheStolenWeights) {
  Stolen one("fixed"), other("fixed");
  models::initialise(*other.network, Stream(9, {}, "another network"));
  EXPECT_TRUE(
      one.raw_answers(regain_settings("scratch", 5, 5)).equal(other.raw_answers(regain_settings("scratch", 5, 5))));
  EXPECT_FALSE(one.raw_answers(regain_settings("tune", 5, 5)).equal(other.raw_answers(regain_settings("tune", 5, 5))));
}

// Whoever knows the principal directions of the images has the key of a network whose first layer weighs them as they
// weigh: that is what the start is to find.
TEST(Spectrum, FindsTheKeyOfALayerThatWeighsDirectionsAsTheImagesDo) {
  constexpr std::int64_t pixels = 16, count = 400;
  torch::manual_seed(5);
  const auto orthogonal = [] { return std::get<0>(at::linalg_qr(at::randn({pixels, pixels}))); };
  const at::Tensor strengths = at::logspace(1, -1, pixels), turned = orthogonal(), key = orthogonal();
  const at::Tensor images = (at::randn({count, pixels}) * strengths).mm(turned) + 3 * turned.sum(0);
  const auto network = models::make_network({"mlp", {1, 4, 4}, 3, {{"norm", "batch"}}});
  models::initialise(*network, Stream(1, {}, "stolen"));
  const at::NoGradGuard no_grad;
  // A layer of the keyed images' own directions, and the running means that they give.
  const at::Tensor keyed = images.mm(key), middle = keyed.mean(0), centred = keyed - middle;
  auto parameters = network->named_parameters();
  at::Tensor& weight = parameters["dense1.weight"];
  weight.zero_();
  weight.narrow(0, 0, count).copy_(centred);
  network->named_buffers()["norm1.running_mean"].copy_(weight.mv(middle) + parameters["dense1.bias"]);
  const at::Tensor found = spectrum_start(*network, images);
  EXPECT_LT((images.mm(found) - keyed).abs().max().item<float>(), 0.05);

  const auto convolutional = models::make_network({"dnn-1", {1, 4, 4}, 3});
  EXPECT_TRUE(spectrum_start(*convolutional, images).equal(at::eye(pixels)));
}

TEST(Regain, ScratchMayHaveAStructureOfItsOwn) {
  Stolen stolen("fixed");
  Json settings = regain_settings("scratch", 5, 5);
  const at::Tensor same = stolen.raw_answers(settings);
  settings["network"] = stolen.network->spec().to_json();
  EXPECT_TRUE(stolen.raw_answers(settings).equal(same));
  settings["network"] = models::NetworkSpec{"mlp", stolen.shape, 4, {}}.to_json();
  EXPECT_FALSE(stolen.raw_answers(settings).equal(same));
  for (const char* by : {"scratch", "self-training"})
    EXPECT_TRUE(attack_named("regain").trains_own(regain_settings(by, 1))) << by;
  for (const char* by : {"tune", "self-tune", "readout", "universal", "blocks", "spectrum"})
    EXPECT_FALSE(attack_named("regain").trains_own(regain_settings(by, 1))) << by;
}

}  // namespace
}  // namespace telltale::watermark
