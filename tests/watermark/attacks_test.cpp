// Attacks that change weights, or what is asked: by what they do to answers, and to weights that are seen at a glance.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "data/jpeg.h"
#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// A hundred images of four classes, told by where they are bright.
struct Quadrants {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 8};

  Quadrants() {
    Stream draws(1, {}, "quadrants");
    for (int i = 0; i < 100; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 4));
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 8; ++x) {
          const bool bright = y / 4 * 2 + x / 4 == i % 4;
          pixels.push_back(static_cast<std::uint8_t>((bright ? 180 : 20) + static_cast<int>(draws.below(60))));
        }
    }
  }
  [[nodiscard]] models::ImageView view() const { return {pixels, labels, shape, 100}; }
};

std::shared_ptr<models::Network> stolen(const char* name = "dnn-1", int outputs = 4) {
  models::set_threads_to_one();
  auto network = models::make_network({name, {1, 8, 8}, outputs});
  models::initialise(*network, Stream(2, {}, "stolen"));
  return network;
}

// Trained until it knows the quadrants.
std::shared_ptr<models::Network> trained(const Quadrants& images) {
  const Json settings = {{"name", "fine-tune"}, {"how", "ftal"}, {"rate", 0.05},
                         {"momentum", 0.9},     {"batch", 10},   {"epochs", 20}};
  return apply_attack({settings, stolen(), images.view(), Stream(3, {}, "training"), [] {}})->network();
}

std::unique_ptr<Service> attacked(const Json& settings, const std::shared_ptr<models::Network>& model,
                                  const Quadrants& images) {
  AttackInputs inputs{settings, model, images.view(), Stream(4, {}, "attack"), [] {}};
  inputs.classes = 4;
  return apply_attack(inputs);
}

double accuracy(Service& service, const Quadrants& images) {
  return models::accuracy(models::labels_of(service.logits(images.view(), 10)), ByteSpan(images.labels));
}

double largest_change(const models::Network& a, const models::Network& b) {
  double largest = 0;
  const auto other = b.named_parameters();
  for (const auto& item : a.named_parameters())
    largest = std::max(largest, (item.value() - other[item.key()]).abs().max().item<double>());
  return largest;
}

TEST(Attacks, NoneOfThemChangesTheNetworkThatItIsGiven) {
  const Quadrants images;
  const auto model = stolen();
  const Bytes before = models::save_weights(*model);
  const Json tuned = {{"rate", 0.05}, {"epochs", 1}};
  for (Json settings :
       {Json{{"name", "quantise"}, {"bits", 3}}, Json{{"name", "weight-noise"}, {"strength", 0.5}},
        Json{{"name", "weight-shift"}, {"strength", 1.5}, {"noise", 1}}, Json{{"name", "fine-prune"}, {"share", 0.5}},
        Json{{"name", "overwrite"}, {"keys", 5}}, Json{{"name", "remove-class"}, {"output", "0"}},
        Json{{"name", "smooth"}, {"by", "mean"}, {"window", 3}}, Json{{"name", "input-noise"}, {"deviation", 0.1}},
        Json{{"name", "jpeg"}, {"quality", 50}},
        Json{{"name", "reject"}, {"images", 20}, {"share", 0.1}, {"steps", 2}}}) {
    settings.update(tuned);
    EXPECT_EQ(attacked(settings, model, images)->logits(images.view(), 10).size(0), 100) << settings;
    EXPECT_EQ(models::save_weights(*model), before) << settings;
  }
}

TEST(Attacks, QuantisationLeavesAsManyLevelsAsItsBitsSay) {
  const Quadrants images;
  for (const int bits : {2, 4}) {
    const auto left = attacked({{"name", "quantise"}, {"bits", bits}}, stolen(), images)->network();
    for (const auto& item : left->named_parameters()) {
      if (item.value().dim() < 2) continue;
      std::set<float> levels;
      const at::Tensor values = item.value().detach().contiguous();
      for (std::int64_t i = 0; i < values.numel(); ++i) levels.insert(std::abs(values.data_ptr<float>()[i]));
      EXPECT_LE(levels.size(), std::size_t{1} << (bits - 1)) << item.key();
      EXPECT_GT(levels.size(), 1u) << item.key();
    }
  }
  // With so many levels hardly anything moves.
  EXPECT_LT(largest_change(*stolen(), *attacked({{"name", "quantise"}, {"bits", 16}}, stolen(), images)->network()),
            1e-4);
}

TEST(Attacks, NoiseOnWeightsHasTheStrengthThatItIsGiven) {
  const Quadrants images;
  const auto
      original = stolen()->named_parameters(),
      noisy = attacked({{"name", "weight-noise"}, {"strength", 0.5}}, stolen(), images)->network()->named_parameters();
  const at::Tensor weights = original["dense.weight"], change = noisy["dense.weight"] - weights;
  EXPECT_NEAR(change.std().item<double>() / weights.std().item<double>(), 0.5, 0.02);
  EXPECT_TRUE(torch::equal(original["dense.bias"], noisy["dense.bias"]));
}

TEST(Attacks, ShiftingTakesTheMeanOfTheFiltersAway) {
  const Quadrants images;
  const Json settings = {{"name", "weight-shift"}, {"strength", 1}, {"noise", 0}, {"rate", 0.01}, {"epochs", 0}};
  const auto left = attacked(settings, stolen(), images)->network()->named_parameters();
  EXPECT_LT(left["conv.weight"].mean(0).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(torch::equal(left["dense.weight"], stolen()->named_parameters()["dense.weight"]));
}

// Channels that were cut off stay so while the rest is trained on.
TEST(Attacks, FinePruningSilencesTheLeastActiveChannels) {
  const Quadrants images;
  for (const char* name : {"dnn-1", "simple-cnn", "mlp"}) {
    const Json settings = {{"name", "fine-prune"}, {"share", 0.25}, {"rate", 0.01}, {"epochs", 2}};
    const auto left = attacked(settings, stolen(name), images)->network();
    std::map<std::string, at::Tensor> channels;
    left->observe(
        [&](const std::string& layer, const at::Tensor& output) { channels[layer] = output.detach().clone(); });
    models::predict_logits(*left, images.view(), 100);
    left->observe({});
    const std::string layer = std::string(name) == "dnn-1" ? "conv" : std::string(name) == "mlp" ? "dense2" : "conv2";
    ASSERT_TRUE(channels.contains(layer)) << name;
    const at::Tensor activity = channels[layer].clamp_min(0).transpose(0, 1).flatten(1).sum(1);
    EXPECT_GE((activity == 0).sum().item<std::int64_t>(), activity.size(0) / 4) << name;
  }
}

TEST(Attacks, ARemovedOutputNeverAnswers) {
  const Quadrants images;
  const auto model = trained(images);
  const auto left = attacked({{"name", "remove-class"}, {"output", "1"}}, model, images);
  for (const std::int64_t label : models::labels_of(left->logits(images.view(), 10))) EXPECT_NE(label, 1);
  EXPECT_LE(accuracy(*left, images), 0.75);
  // Beyond the data's classes there is none, or there are some.
  EXPECT_EQ(accuracy(*attacked({{"name", "remove-class"}, {"output", "extra"}}, model, images), images),
            accuracy(*serve(model), images));
  const auto wider = attacked({{"name", "remove-class"}, {"output", "extra"}}, stolen("dnn-1", 6), images);
  for (const std::int64_t label : models::labels_of(wider->logits(images.view(), 10))) EXPECT_LT(label, 4);
}

// What a network is asked about is seen through one that gives pixels back.
struct Mirror final : models::Network {
  Mirror() : Network({"mirror", {1, 8, 8}, 64}) { register_parameter("none", torch::zeros({1})); }
  at::Tensor forward(const at::Tensor& images) override { return images.contiguous().flatten(1); }
};

at::Tensor asked(const Json& settings, const Quadrants& images) {
  return attacked(settings, std::make_shared<Mirror>(), images)->logits(images.view(), 7);
}

TEST(Attacks, SmoothingReplacesAPixelByItsWindow) {
  const Quadrants images;
  const at::Tensor before = serve(std::make_shared<Mirror>())->logits(images.view(), 7);
  const at::Tensor pixels = before.view({100, 8, 8});
  const at::Tensor window = pixels.narrow(1, 2, 3).narrow(2, 4, 3).flatten(1);  // around row 3, column 5
  const auto at_place = [&](const char* by) {
    return asked({{"name", "smooth"}, {"by", by}, {"window", 3}}, images).view({100, 8, 8}).select(1, 3).select(1, 5);
  };
  EXPECT_TRUE(torch::allclose(at_place("mean"), window.mean(1), 1e-5, 1e-6));
  EXPECT_TRUE(torch::equal(at_place("median"), std::get<0>(window.median(1))));
  const at::Tensor line = torch::exp(-torch::tensor({1.0, 0.0, 1.0}) / (2 * 0.8 * 0.8)),
                   weights = line.outer(line).flatten();
  EXPECT_TRUE(
      torch::allclose(at_place("gaussian"), (window * (weights / weights.sum()).to(torch::kFloat)).sum(1), 1e-5, 1e-6));
  // An even side is the next odd one.
  EXPECT_TRUE(torch::equal(asked({{"name", "smooth"}, {"by", "mean"}, {"window", 4}}, images),
                           asked({{"name", "smooth"}, {"by", "mean"}, {"window", 5}}, images)));
}

TEST(Attacks, NoiseOnWhatIsAskedHasItsDeviationWhateverTheBatch) {
  const Quadrants images;
  const Json settings = {{"name", "input-noise"}, {"deviation", 0.02}};
  const at::Tensor before = serve(std::make_shared<Mirror>())->logits(images.view(), 7),
                   noisy = asked(settings, images);
  EXPECT_NEAR((noisy - before).std().item<double>(), 0.02, 0.001);
  EXPECT_TRUE(torch::equal(noisy, attacked(settings, std::make_shared<Mirror>(), images)->logits(images.view(), 100)));
  EXPECT_GE(noisy.min().item<double>(), 0);
}

TEST(Attacks, JpegOfGoodQualityChangesLittleAndOfBadQualityMuch) {
  const Quadrants images;
  const at::Tensor before = serve(std::make_shared<Mirror>())->logits(images.view(), 7);
  const auto change = [&](int quality) {
    return (asked({{"name", "jpeg"}, {"quality", quality}}, images) - before).abs().mean().item<double>();
  };
  EXPECT_LT(change(100), 0.005);
  EXPECT_GT(change(10), 2 * change(75));
}

TEST(Attacks, AnAutoencoderRefusesWhatItHasNotSeen) {
  const Quadrants images;
  const auto model = trained(images);
  const auto left = attacked({{"name", "reject"}, {"images", 50}, {"share", 0.1}, {"steps", 400}}, model, images);
  const double before = accuracy(*serve(model), images);
  EXPECT_GT(accuracy(*left, images), before - 0.3);
  const at::Tensor strange = 1 - torch::eye(8).repeat({5, 1, 1, 1});
  for (const std::int64_t label : models::labels_of(left->logits(strange, 5))) EXPECT_EQ(label, models::refused_label);
  EXPECT_EQ(left->network(), nullptr);
}

TEST(Attacks, ASecondOwnerEmbedsHisOwnKeys) {
  const Quadrants images;
  KeySamples keys{images.shape, std::vector<float>(6 * 64, 0.0F), {}, {}};
  for (int i = 0; i < 6; ++i) {
    keys.labels.push_back(i % 4), keys.sources.push_back(i);
    for (int p = 0; p < 64; ++p)
      keys.pixels[static_cast<std::size_t>(i * 64 + p)] = static_cast<float>((p * (i + 3)) % 7) / 7;
  }
  const Json settings = {{"name", "overwrite"}, {"keys", 6}, {"rate", 0.05}, {"epochs", 40}};
  AttackInputs inputs{settings, trained(images), images.view(), Stream(4, {}, "attack"), [] {}};
  double kept = -1;
  inputs.rival_keys = [&](const models::ImageView& his) {
    EXPECT_EQ(his.count, 50);
    return keys;
  };
  inputs.measured = [&](const char* name, double value) {
    EXPECT_STREQ(name, "rival_key_accuracy");
    kept = value;
  };
  const auto left = apply_attack(inputs);
  EXPECT_GE(kept, 5.0 / 6);
  EXPECT_GT(accuracy(*left, images), 0.9);
}

TEST(Attacks, OfTwoTheSecondMeetsWhatTheFirstLeaves) {
  const Quadrants images;
  const Json prune = {{"name", "prune"}, {"rate", 0.5}, {"scope", "global"}},
             quantise = {{"name", "quantise"}, {"bits", 4}};
  const auto both = [&](const Json& first, const Json& second) {
    return attacked({{"name", "combine"}, {"attacks", "made here"}, {"parts", {first, second}}}, stolen(), images);
  };
  const at::Tensor one_way = both(prune, quantise)->logits(images.view(), 10);
  const auto pruned = attacked(prune, stolen(), images)->network();
  EXPECT_TRUE(torch::equal(one_way, attacked(quantise, pruned, images)->logits(images.view(), 10)));
  const Json smooth = {{"name", "smooth"}, {"by", "mean"}, {"window", 3}};
  EXPECT_NO_THROW(both(prune, smooth));
  EXPECT_THROW(both(smooth, prune), Error);
}

}  // namespace
}  // namespace telltale::watermark
