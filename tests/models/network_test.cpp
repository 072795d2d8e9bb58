#include "models/network.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "core/identity.h"
#include "models/evaluate.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "samples.h"
#include "support/refusal.h"

namespace telltale::models {
namespace {

const NetworkSpec tiny{"dnn-1", {2, 7, 9}, 3};

at::Tensor channels_last(const at::Tensor& maps) { return maps.contiguous(at::MemoryFormat::ChannelsLast); }

std::string refusal_to_make(const NetworkSpec& spec) {
  return refusal([&] { make_network(spec); });
}

TEST(Networks, HaveTheLayersOfThePaper) {
  const auto shapes = [](const NetworkSpec& spec) {
    std::vector<std::vector<std::int64_t>> all;
    for (const auto& parameter : make_network(spec)->parameters()) all.push_back(parameter.sizes().vec());
    return all;
  };
  using Shapes = std::vector<std::vector<std::int64_t>>;
  EXPECT_EQ(shapes({"dnn-1", {1, 28, 28}, 11}),
            (Shapes{{32, 1, 3, 3}, {32}, {100, 13 * 13 * 32}, {100}, {11, 100}, {11}}));
  EXPECT_EQ(shapes({"dnn-2", {3, 32, 32}, 10}), (Shapes{{64, 3, 3, 3},
                                                        {64},
                                                        {64, 64, 3, 3},
                                                        {64},
                                                        {128, 64, 3, 3},
                                                        {128},
                                                        {128, 128, 3, 3},
                                                        {128},
                                                        {256, 128, 3, 3},
                                                        {256},
                                                        {256, 256, 3, 3},
                                                        {256},
                                                        {10, 4 * 4 * 256},
                                                        {10}}));
  // The dense layers get 256 and 400 values, as Table III of AIME prints.
  EXPECT_EQ(shapes({"aime-seq", {1, 28, 28}, 10}), (Shapes{{128, 784}, {128}, {64, 128}, {64}, {10, 64}, {10}}));
  EXPECT_EQ(shapes({"aime-cnn", {1, 28, 28}, 10}),
            (Shapes{{6, 1, 5, 5}, {6}, {16, 6, 5, 5}, {16}, {120, 256}, {120}, {84, 120}, {84}, {10, 84}, {10}}));
  EXPECT_EQ(shapes({"aime-cnn-rgb", {3, 32, 32}, 10})[4], (std::vector<std::int64_t>{120, 400}));
  EXPECT_EQ(shapes({"zhang-mnist", {1, 28, 28}, 10}), (Shapes{{32, 1, 3, 3},
                                                              {32},
                                                              {32, 32, 3, 3},
                                                              {32},
                                                              {64, 32, 3, 3},
                                                              {64},
                                                              {64, 64, 3, 3},
                                                              {64},
                                                              {200, 4 * 4 * 64},
                                                              {200},
                                                              {200, 200},
                                                              {200},
                                                              {10, 200},
                                                              {10}}));
  EXPECT_EQ(shapes({"zhang-cifar", {3, 32, 32}, 10})[8], (std::vector<std::int64_t>{256, 5 * 5 * 128}));
}

TEST(Networks, ScalePixelsAsTheirOptionSays) {
  const at::Tensor images = torch::rand({2, 1, 28, 28});
  const at::NoGradGuard no_grad;
  for (const char* name : {"aime-seq", "aime-cnn", "zhang-mnist"}) {
    const auto unit = fresh_network({name, {1, 28, 28}, 10}),
               half = fresh_network({name, {1, 28, 28}, 10, {{"pixels", "half"}}}),
               wide = fresh_network({name, {1, 28, 28}, 10, {{"pixels", "signed"}}});
    for (const auto& network : {unit, half, wide}) network->eval();
    EXPECT_TRUE(torch::allclose(unit->forward(images - 0.5), half->forward(images), 1e-4, 1e-5)) << name;
    EXPECT_TRUE(torch::allclose(unit->forward(images * 2 - 1), wide->forward(images), 1e-4, 1e-5)) << name;
  }
}

TEST(Networks, BatchNormIsAnOptionOfDnn2) {
  const auto plain = make_network({"dnn-2", {3, 32, 32}, 10}),
             normed = make_network({"dnn-2", {3, 32, 32}, 10, {{"norm", "batch"}}});
  EXPECT_EQ(plain->buffers().size(), 0u);
  EXPECT_EQ(normed->parameters().size(), plain->parameters().size() + 6 * 2);
  EXPECT_EQ(normed->buffers().size(), 6u * 3);
}

// Half of the values are zero, the others doubled; what falls is a function of the stream that a trainer names.
TEST(Dropout, DrawsFromTheStreamItIsGivenAndOnlyInTraining) {
  class Dropping : public Network {
   public:
    Dropping() : Network(tiny) {}
    at::Tensor forward(const at::Tensor& values) override { return dropped("layer", values, 0.5); }
  };
  Dropping network;
  const at::Tensor values = torch::ones({100, 50});
  network.train();
  EXPECT_THROW(network.forward(values), Error);  // nobody said where it draws from
  const auto drawn = [&](const char* purpose) {
    network.draw_from(Stream::key_of(1, {}, purpose));
    return network.forward(values);
  };
  const at::Tensor once = drawn("step 1");
  EXPECT_TRUE(torch::equal(once, drawn("step 1")));
  EXPECT_FALSE(torch::equal(once, drawn("step 2")));
  EXPECT_TRUE(torch::equal(once, once.clamp(0, 2)) && ((once == 0) | (once == 2)).all().item<bool>());
  EXPECT_NEAR(once.mean().item<float>(), 1, 0.05);
  network.eval();
  EXPECT_TRUE(torch::equal(network.forward(values), values));
}

TEST(Networks, UnknownNameIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(refusal_to_make({"dnn-3", {1, 28, 28}, 10}),
            "there is no network named \"dnn-3\"; there are: dnn-1, dnn-2, simple-cnn, mlp, resnet-20, resnet-32, "
            "aime-seq, aime-cnn, aime-cnn-rgb, zhang-mnist, zhang-cifar");
}

TEST(Networks, InputThatPoolsToNothingIsRefused) {
  EXPECT_EQ(refusal_to_make({"dnn-1", {1, 3, 28}, 10}),
            "network dnn-1 reduces an input of 3 x 28 pixels to nothing; it needs at least 4 x 4");
  EXPECT_EQ(refusal_to_make({"dnn-2", {3, 32, 7}, 10}),
            "network dnn-2 reduces an input of 32 x 7 pixels to nothing; it needs at least 8 x 8");
  EXPECT_EQ(make_network({"dnn-1", {1, 4, 4}, 2})->forward(torch::rand({1, 1, 4, 4})).sizes(), at::IntArrayRef({1, 2}));
  EXPECT_EQ(make_network({"dnn-2", {3, 8, 8}, 2})->forward(torch::rand({1, 3, 8, 8})).sizes(), at::IntArrayRef({1, 2}));
}

TEST(Networks, SpecSurvivesJson) {
  EXPECT_EQ(NetworkSpec::from_json(tiny.to_json()), tiny);
  EXPECT_THROW(NetworkSpec::from_json(Json::array()), Error);
}

// The independent path: plain loops over the definition of each layer, in double.
TEST(Networks, Dnn1ForwardIsItsDefinition) {
  const auto network = fresh_network(tiny);
  for (auto& parameter : network->parameters()) {
    const at::NoGradGuard no_grad;
    if (parameter.dim() == 1) parameter.copy_(torch::linspace(-0.1, 0.1, parameter.size(0)));
  }
  const auto p = network->named_parameters();
  const at::Tensor conv = p["conv.weight"].contiguous(), dense = p["dense.weight"], output = p["output.weight"];
  const auto weight = conv.accessor<float, 4>();
  const at::Tensor images = torch::rand({2, 2, 7, 9});
  const auto image = images.accessor<float, 4>();
  const at::Tensor logits = network->forward(channels_last(images)).detach();

  for (int n = 0; n < 2; ++n) {
    std::vector<double> features;  // height, width, channel
    for (int y = 0; y < 2; ++y) {
      for (int x = 0; x < 3; ++x) {
        for (int c = 0; c < 32; ++c) {
          double most = 0;  // the ReLU
          for (int place = 0; place < 4; ++place) {
            double sum = p["conv.bias"][c].item<double>();
            for (int in = 0; in < 2; ++in) {
              for (int dy = 0; dy < 3; ++dy) {
                for (int dx = 0; dx < 3; ++dx) {
                  sum += double{weight[c][in][dy][dx]} * image[n][in][2 * y + place / 2 + dy][2 * x + place % 2 + dx];
                }
              }
            }
            most = std::max(most, sum);
          }
          features.push_back(most);
        }
      }
    }
    const auto layer = [](const at::Tensor& weights, const at::Tensor& bias, const std::vector<double>& in) {
      std::vector<double> out;
      const auto w = weights.accessor<float, 2>();
      for (int o = 0; o < weights.size(0); ++o) {
        double sum = bias[o].item<double>();
        for (std::size_t i = 0; i < in.size(); ++i) sum += w[o][static_cast<std::int64_t>(i)] * in[i];
        out.push_back(sum);
      }
      return out;
    };
    std::vector<double> hidden = layer(dense, p["dense.bias"], features);
    for (double& value : hidden) value = std::max(value, 0.0);
    const std::vector<double> expected = layer(output, p["output.bias"], hidden);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(logits[n][c].item<double>(), expected[static_cast<std::size_t>(c)], 1e-5);
    }
  }
}

TEST(Networks, Dnn2ForwardIsLibTorchsOwnLayers) {
  const auto network = fresh_network({"dnn-2", {3, 9, 8}, 4});
  const auto p = network->parameters();
  const at::Tensor images = torch::rand({3, 3, 9, 8});
  at::Tensor maps = images;
  for (std::size_t conv = 0; conv < 6; ++conv) {
    maps = torch::relu(torch::conv2d(maps, p[2 * conv].contiguous(), p[2 * conv + 1], 1, 1));
    if (conv % 2 == 1) maps = torch::max_pool2d(maps, 2);
  }
  const at::Tensor expected = torch::linear(maps.permute({0, 2, 3, 1}).reshape({3, -1}), p[12], p[13]);
  EXPECT_TRUE(torch::allclose(network->forward(channels_last(images)), expected, 1e-4, 1e-5));
}

TEST(Networks, InputGradientIsTheSlope) {
  const auto network = fresh_network(tiny);
  torch::manual_seed(3);
  const at::Tensor image = torch::rand({1, 2, 7, 9});
  const at::Tensor direction = torch::randn_like(image);
  at::Tensor input = channels_last(image).requires_grad_();
  network->forward(input)[0][1].backward();
  const double slope = (input.grad() * direction).sum().item<double>();
  const double h = 1e-3;
  const auto along = [&](double t) { return network->forward(image + t * direction)[0][1].item<double>(); };
  EXPECT_NEAR((along(h) - along(-h)) / (2 * h), slope, 2e-3 * (1 + std::abs(slope)));
}

TEST(Initialise, DrawsWithinGlorotsLimitsAndZeroBiases) {
  const auto network = fresh_network({"dnn-1", {1, 28, 28}, 10});
  const auto p = network->named_parameters();
  const double limit = std::sqrt(6.0 / (5408 + 100));
  const at::Tensor dense = p["dense.weight"].detach();
  EXPECT_LE(dense.abs().max().item<double>(), limit * (1 + 1e-7));
  EXPECT_GT(dense.max().item<double>(), 0.999 * limit);
  EXPECT_LT(dense.min().item<double>(), -0.999 * limit);
  EXPECT_NEAR(dense.mean().item<double>(), 0, 5 * limit / std::sqrt(3.0 * 540800));
  EXPECT_LE(p["conv.weight"].abs().max().item<double>(), std::sqrt(6.0 / (9 + 32 * 9)));
  EXPECT_TRUE(torch::equal(p["dense.bias"].detach(), torch::zeros({100})));
}

// Golden: the first weights follow from the stream's definition alone, on every CPU.
TEST(Initialise, WeightsAreTheStreamsDraws) {
  const auto network = fresh_network(tiny);
  Stream draws = Stream(1, {}, "initialise").derive("weights of conv.weight");
  const double limit = std::sqrt(6.0 / (2 * 9 + 32 * 9));
  const at::Tensor weights = network->named_parameters()["conv.weight"].detach().contiguous().flatten();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(weights[i].item<float>(), static_cast<float>(draws.uniform(-limit, limit)));
  }
}

// Of a stream whose draws results were made of.
TEST(Initialise, WeightsOfAKnownStreamStayAsTheyAre) {
  EXPECT_EQ(Identity::of(save_weights(*fresh_network(tiny))).brief(), "cdb4f4fa7766");
  EXPECT_EQ(Identity::of(save_weights(*fresh_network({"resnet-20", {3, 8, 8}, 10}))).brief(), "e8c204cd0e12");
}

TEST(Initialise, OneMoreOutputLeavesTheOtherLayersAlone) {
  const auto ten = fresh_network({"dnn-1", {1, 8, 8}, 10});
  const auto eleven = fresh_network({"dnn-1", {1, 8, 8}, 11});
  EXPECT_TRUE(torch::equal(ten->parameters()[0], eleven->parameters()[0]));
  EXPECT_TRUE(torch::equal(ten->parameters()[2], eleven->parameters()[2]));
}

TEST(Predict, BytesAndFloatsOfTheSameImagesAnswerTheSame) {
  const Samples samples(tiny.input, 11, 3);
  const auto network = fresh_network(tiny);
  const at::Tensor bytes = predict_logits(*network, samples.view(), 4);
  const at::Tensor images =
      torch::tensor(at::ArrayRef<std::uint8_t>(samples.pixels), at::kByte).view({11, 2, 7, 9}).to(at::kFloat) / 255;
  EXPECT_TRUE(torch::equal(bytes, predict_logits(*network, images, 4)));
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(torch::allclose(bytes, network->forward(images), 1e-4, 1e-6));
  EXPECT_THROW(predict_logits(*network, images.narrow(2, 0, 6), 4), Error);
  EXPECT_THROW(predict_logits(*network, images, 0), Error);
}

// Bits depend on the size of a batch: every batch has the size that was asked for, the last one too.
TEST(Predict, TheLastBatchIsFilledUpWithBlackImages) {
  class Watched : public Network {
   public:
    explicit Watched(std::shared_ptr<Network> inner)
        : Network(inner->spec()), inner_(register_module("inner", inner)) {}
    at::Tensor forward(const at::Tensor& images) override {
      asked.push_back(images.clone());
      return inner_->forward(images);
    }
    std::vector<at::Tensor> asked;

   private:
    std::shared_ptr<Network> inner_;
  };
  Watched network(fresh_network(tiny));
  const at::Tensor images = torch::rand({5, 2, 7, 9});
  EXPECT_EQ(predict_logits(network, images, 4).size(0), 5);
  ASSERT_EQ(network.asked.size(), 2u);
  for (const at::Tensor& batch : network.asked) EXPECT_EQ(batch.size(0), 4);
  EXPECT_TRUE(torch::equal(network.asked[1].narrow(0, 0, 1), images.narrow(0, 4, 1)));
  EXPECT_EQ(network.asked[1].narrow(0, 1, 3).abs().max().item<float>(), 0);
}

TEST(Predict, LeavesTheNetworkInItsMode) {
  const auto network = fresh_network(tiny);
  for (const bool training : {true, false}) {
    network->train(training);
    predict_logits(*network, torch::rand({1, 2, 7, 9}), 1);
    EXPECT_EQ(network->is_training(), training);
  }
}

TEST(Network, TheOutputLayerCanBeTrainedAlone) {
  for (const std::string& name : network_names()) {
    const auto network = make_network(
        {name,
         name.ends_with("rgb") || name == "zhang-cifar" ? data::ImageShape{3, 32, 32} : data::ImageShape{1, 28, 28},
         10,
         {}});
    train_output_layer_alone(*network);
    std::set<std::string> trained;
    for (const auto& item : network->named_parameters())
      if (item.value().requires_grad()) trained.insert(item.key());
    EXPECT_EQ(trained, (std::set<std::string>{"output.bias", "output.weight"})) << name;
  }
}

TEST(Labels, AreTheFirstLargestOutputThatIsNotRemoved) {
  const at::Tensor logits = torch::tensor({{1.F, 3.F, 3.F}, {2.F, 0.F, 1.F}, {0.F, 1.F, 2.F}});
  using Labels = std::vector<std::int64_t>;
  EXPECT_EQ(labels_of(logits), (Labels{1, 0, 2}));
  EXPECT_EQ(labels_of(logits, 1), (Labels{2, 0, 2}));
  EXPECT_EQ(labels_of(logits, 0), (Labels{1, 2, 2}));
  EXPECT_EQ(labels_of(logits, 2), (Labels{1, 0, 1}));
  EXPECT_THROW(labels_of(torch::zeros({2, 1}), 0), Error);
}

TEST(Accuracy, IsTheShareOfRightAnswers) {
  const std::vector<std::int64_t> answers{0, 1, 2, 2};
  EXPECT_EQ(accuracy(answers, std::vector<std::int64_t>{0, 1, 2, 0}), 0.75);
  EXPECT_EQ(accuracy(answers, Bytes{2, 1, 0, 2}), 0.5);
  EXPECT_EQ(share_of(answers, 2), 0.5);
  EXPECT_THROW(accuracy({}, Bytes{}), Error);
  EXPECT_THROW(accuracy(answers, Bytes{1}), Error);
}

TEST(Runtime, ThreadsAreOneAndStepsCanBeMeasured) {
  set_threads_to_one();
  set_threads_to_one();
  EXPECT_EQ(at::get_num_threads(), 1);
  EXPECT_GT(measure_step_seconds(tiny, 2, Pass::train), 0);
  EXPECT_GT(measure_step_seconds(tiny, 2, Pass::evaluate), 0);
}

// The last batch of an epoch may be one image: a batch norm of dense layers has no spread to divide by.
TEST(Mlp, ABatchOfOneImageIsNormalisedByWhatWasLearnedBefore) {
  set_threads_to_one();
  const auto network = fresh_network({"mlp", {1, 4, 4}, 3, {{"norm", "batch"}}});
  torch::manual_seed(1);
  const at::Tensor one = torch::rand({1, 1, 4, 4});
  network->train();
  const at::Tensor trained = network->forward(one);
  network->eval();
  EXPECT_TRUE(trained.equal(network->forward(one)));
  network->train();
  static_cast<void>(network->forward(torch::rand({5, 1, 4, 4})));
  EXPECT_FALSE(network->forward(one).equal(trained)) << "nothing was learned from five";
}

}  // namespace
}  // namespace telltale::models
