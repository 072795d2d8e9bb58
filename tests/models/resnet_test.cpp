#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numeric>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/registry.h"
#include "models/runtime.h"
#include "models/training.h"
#include "models/weights.h"
#include "samples.h"
#include "support/refusal.h"

namespace telltale::models {
namespace {

using Options = std::map<std::string, std::string>;

NetworkSpec resnet(const std::string& name, Options options = {}, data::ImageShape input = {3, 32, 32}) {
  return {name, input, 10, std::move(options)};
}

std::int64_t parameter_count(const NetworkSpec& spec) {
  std::int64_t count = 0;
  for (const auto& parameter : make_network(spec)->parameters()) count += parameter.numel();
  return count;
}

std::string refusal_to_know(const NetworkSpec& spec) {
  return refusal([&] { check(spec); });
}

// Weights of any size, and statistics that do not happen to be neutral.
std::shared_ptr<Network> resnet_in_disorder(const NetworkSpec& spec) {
  auto network = fresh_network(spec);
  torch::manual_seed(4);
  const at::NoGradGuard no_grad;
  for (auto& parameter : network->parameters())
    if (parameter.dim() == 1) parameter.copy_(torch::rand_like(parameter) + 0.5);
  for (auto& item : network->named_buffers())
    if (item.value().is_floating_point()) item.value().copy_(torch::rand_like(item.value()) + 0.5);
  network->eval();
  return network;
}

// He et al. 2016, Table 6: 0.27M and 0.46M parameters; the options add convolutions of 1 x 1 (with biases, or with
// norms).
TEST(ResNet, HasThePublishedNumbersOfParameters) {
  EXPECT_EQ(parameter_count(resnet("resnet-20", {{"shortcut", "pad"}})), 269722);
  EXPECT_EQ(parameter_count(resnet("resnet-32", {{"shortcut", "pad"}})), 464154);
  constexpr std::int64_t projections = 16 * 32 + 32 * 64;
  EXPECT_EQ(parameter_count(resnet("resnet-20")), 269722 + projections + 32 + 64);
  EXPECT_EQ(parameter_count(resnet("resnet-20", {{"shortcut", "conv-norm"}})), 269722 + projections + 2 * (32 + 64));
  EXPECT_EQ(parameter_count(resnet("resnet-32")), 464154 + projections + 32 + 64);
  // One window of 7 x 7 fits on maps of 8 x 8: as many features as from the whole map.
  EXPECT_EQ(parameter_count(resnet("resnet-20", {{"pool", "window"}})), parameter_count(resnet("resnet-20")));
}

TEST(ResNet, HasThreeStagesOfBlocks) {
  for (const auto& [name, blocks] : std::vector<std::pair<std::string, int>>{{"resnet-20", 3}, {"resnet-32", 5}}) {
    const auto network = make_network(resnet(name, {}, {1, 28, 28}));
    const auto p = network->named_parameters();
    EXPECT_EQ(p["conv.weight"].sizes(), at::IntArrayRef({16, 1, 3, 3}));
    std::int64_t in = 16;
    for (int stage = 1; stage <= 3; ++stage) {
      const std::int64_t filters = 8 << stage;
      for (int block = 1; block <= blocks; ++block) {
        const std::string at = "stage" + std::to_string(stage) + "_block" + std::to_string(block);
        EXPECT_EQ(p[at + ".conv1.weight"].sizes(), at::IntArrayRef({filters, in, 3, 3})) << at;
        EXPECT_EQ(p[at + ".conv2.weight"].sizes(), at::IntArrayRef({filters, filters, 3, 3})) << at;
        EXPECT_EQ(p.contains(at + ".shortcut.weight"), in != filters) << at;
        EXPECT_FALSE(p.contains(at + ".conv1.bias")) << at;
        in = filters;
      }
    }
    EXPECT_EQ(p["output.weight"].sizes(), at::IntArrayRef({10, 64}));
  }
}

TEST(ResNet, OptionsThatAreNoneAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(refusal_to_know(resnet("resnet-20", {{"shortcut", "none"}})),
            "network resnet-20 has no shortcut \"none\"; there are: conv, conv-norm, pad");
  EXPECT_EQ(refusal_to_know(resnet("resnet-32", {{"pool", "max"}})),
            "network resnet-32 has no pool \"max\"; there are: global, window");
  EXPECT_EQ(refusal_to_know(resnet("resnet-20", {{"depth", "3"}})), "network resnet-20 has no option \"depth\"");
  EXPECT_EQ(refusal_to_know(resnet("dnn-1", {{"pool", "global"}})), "network dnn-1 has no option \"pool\"");
}

TEST(ResNet, WindowsNeedMapsOfSeven) {
  EXPECT_EQ(
      refusal_to_know(resnet("resnet-20", {{"pool", "window"}}, {1, 24, 28})),
      "network resnet-20 reduces an input of 24 x 28 pixels to nothing; it needs at least 25 x 25, or pool = global");
  EXPECT_EQ(refusal_to_know(resnet("resnet-20", {{"pool", "window"}}, {1, 25, 25})), "accepted");
  EXPECT_EQ(refusal_to_know(resnet("resnet-20", {}, {1, 1, 1})), "accepted");
}

TEST(ResNet, DefaultsAreTheFirstOfTheirValues) {
  const NetworkSpec spec = resnet("resnet-20", {{"pool", "window"}});
  EXPECT_EQ(option_of(spec, "shortcut"), "conv");
  EXPECT_EQ(option_of(spec, "pool"), "window");
  EXPECT_THROW((void)option_of(spec, "depth"), Error);
  EXPECT_TRUE(network_options("dnn-1").empty());
}

TEST(ResNet, OptionsSurviveJson) {
  const NetworkSpec spec = resnet("resnet-20", {{"pool", "window"}, {"shortcut", "pad"}});
  EXPECT_EQ(NetworkSpec::from_json(spec.to_json()), spec);
  EXPECT_FALSE(resnet("resnet-20").to_json().contains("options"));
}

TEST(ResNet, StartsWithHesWeightsAndNormsThatChangeNothing) {
  const auto network = fresh_network(resnet("resnet-20"));
  for (const auto& item : network->named_parameters()) {
    const at::Tensor values = item.value().detach();
    if (values.dim() == 1) {
      EXPECT_TRUE((values == (item.key().ends_with(".weight") ? 1 : 0)).all().item<bool>()) << item.key();
    } else if (values.numel() > 9000) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(values.numel() / values.size(0)));
      EXPECT_NEAR(values.std().item<double>(), deviation, 0.03 * deviation) << item.key();
      EXPECT_NEAR(values.mean().item<double>(), 0, 0.05 * deviation) << item.key();
    }
  }
  for (const auto& item : network->named_buffers())
    EXPECT_TRUE((item.value() == (item.key().ends_with("running_var") ? 1 : 0)).all().item<bool>()) << item.key();
}

// The independent path: the definition in LibTorch's functions, planes in order, on named weights.
at::Tensor by_definition(const Network& network, int blocks, const at::Tensor& images) {
  const auto p = network.named_parameters(), b = network.named_buffers();
  const auto convolved = [&](const std::string& name, const at::Tensor& maps, int stride, int padding) {
    const at::Tensor bias = p.contains(name + ".bias") ? p[name + ".bias"] : at::Tensor();
    return at::conv2d(maps, p[name + ".weight"].contiguous(), bias, stride, padding);
  };
  const auto normed = [&](const std::string& name, const at::Tensor& maps) {
    const auto plane = [&](const at::Tensor& values) { return values.view({1, -1, 1, 1}); };
    return (maps - plane(b[name + ".running_mean"])) / (plane(b[name + ".running_var"]) + 1e-3).sqrt() *
               plane(p[name + ".weight"]) +
           plane(p[name + ".bias"]);
  };
  at::Tensor maps = at::relu(normed("norm", convolved("conv", images, 1, 1)));
  for (int stage = 1; stage <= 3; ++stage) {
    for (int block = 1; block <= blocks; ++block) {
      const std::string at = "stage" + std::to_string(stage) + "_block" + std::to_string(block);
      const bool shrinks = stage > 1 && block == 1;
      at::Tensor inner = at::relu(normed(at + ".norm1", convolved(at + ".conv1", maps, shrinks ? 2 : 1, 1)));
      inner = normed(at + ".norm2", convolved(at + ".conv2", inner, 1, 1));
      at::Tensor beside = maps;
      if (p.contains(at + ".shortcut.weight")) {
        beside = convolved(at + ".shortcut", maps, 2, 0);
        if (p.contains(at + ".shortcut_norm.weight")) beside = normed(at + ".shortcut_norm", beside);
      } else if (shrinks) {
        const auto filters = maps.size(1);
        beside = at::zeros_like(inner);
        for (std::int64_t y = 0; y < beside.size(2); ++y)
          for (std::int64_t x = 0; x < beside.size(3); ++x)
            beside.narrow(1, filters / 2, filters)
                .select(3, x)
                .select(2, y)
                .copy_(maps.select(3, 2 * x).select(2, 2 * y));
      }
      maps = at::relu(inner + beside);
    }
  }
  if (option_of(network.spec(), "pool") == "global")
    maps = maps.mean({2, 3});
  else  // on maps of 8 x 8: without the last row and column
    maps = maps.narrow(2, 0, 7).narrow(3, 0, 7).mean({2, 3});
  return at::linear(maps, p["output.weight"], p["output.bias"]);
}

TEST(ResNet, ForwardIsItsDefinition) {
  set_threads_to_one();
  const at::NoGradGuard no_grad;
  const std::vector<Options> variants{{},
                                      {{"shortcut", "conv-norm"}},
                                      {{"shortcut", "pad"}},
                                      {{"pool", "window"}},
                                      {{"pool", "window"}, {"shortcut", "pad"}}};
  torch::manual_seed(6);
  const at::Tensor images = torch::rand({2, 3, 32, 32});
  for (const Options& options : variants) {
    const auto network = resnet_in_disorder(resnet("resnet-20", options));
    const at::Tensor expected = by_definition(*network, 3, images);
    const at::Tensor logits = network->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
    const double scale = expected.abs().max().item<double>();
    EXPECT_LT((logits - expected).abs().max().item<double>(), 1e-4 * scale) << Json(options);
  }
  const auto deep = resnet_in_disorder(resnet("resnet-32", {}, {1, 11, 9}));
  const at::Tensor small = torch::rand({2, 1, 11, 9});
  const at::Tensor expected = by_definition(*deep, 5, small);
  EXPECT_LT((deep->forward(small) - expected).abs().max().item<double>(), 1e-4 * expected.abs().max().item<double>());
}

TEST(ResNet, SavedAndLoadedIsTheSameInEveryBit) {
  const auto network = resnet_in_disorder(resnet("resnet-20", {{"shortcut", "conv-norm"}}, {1, 9, 9}));
  const Bytes bytes = save_weights(*network);
  const auto loaded = load_network(bytes);
  EXPECT_EQ(loaded->spec(), network->spec());
  EXPECT_EQ(save_weights(*loaded), bytes);
  for (const auto& item : network->named_buffers())
    EXPECT_TRUE(torch::equal(loaded->named_buffers()[item.key()], item.value())) << item.key();
  loaded->eval();
  const at::Tensor images = torch::rand({3, 1, 9, 9});
  EXPECT_TRUE(torch::equal(loaded->forward(images), network->forward(images)));
}

// Batch norm's moving statistics belong to a checkpoint.
TEST(ResNet, ATrainingResumedAfterAnyStepEndsAsUninterrupted) {
  set_threads_to_one();
  const Samples samples({1, 8, 8}, 14, 3);
  const NetworkSpec spec{"resnet-20", {1, 8, 8}, 3, {}};
  Recipe recipe;
  recipe.momentum = 0.9;
  recipe.batch = 8;
  recipe.epochs = 2;
  const auto trainer = [&] {
    return Trainer(fresh_network(spec), recipe, {samples.view(), {}, {}}, Stream(1, {}, "train"));
  };
  std::vector<Bytes> after;
  Trainer whole = trainer();
  after.push_back(whole.checkpoint());
  whole.run([&] { after.push_back(whole.checkpoint()); });
  ASSERT_EQ(after.size(), 5U);
  EXPECT_FALSE((whole.network()->named_buffers()["norm.running_mean"] == 0).all().item<bool>());
  for (const std::size_t from : {0, 1, 2, 3}) {
    Trainer resumed = trainer();
    resumed.restore(after[from]);
    EXPECT_EQ(resumed.checkpoint(), after[from]);
    resumed.run();
    EXPECT_EQ(resumed.checkpoint(), after.back());
    EXPECT_EQ(save_weights(*resumed.network()), save_weights(*whole.network()));
  }
}

TEST(Observe, ShowsEveryLayerInTheOrderOfComputation) {
  using Names = std::vector<std::string>;
  const auto layer_names = [](const NetworkSpec& spec) {
    Names names;
    const auto network = make_network(spec);
    network->eval();
    network->observe([&](const std::string& layer, const at::Tensor&) { names.push_back(layer); });
    const at::NoGradGuard no_grad;
    network->forward(at::zeros({1, spec.input.channels, spec.input.height, spec.input.width}));
    return names;
  };
  EXPECT_EQ(layer_names({"dnn-1", {1, 8, 8}, 3}), (Names{"conv", "pool", "dense", "output"}));
  EXPECT_EQ(layer_names({"dnn-2", {1, 8, 8}, 3}),
            (Names{"conv1", "conv2", "pool1", "conv3", "conv4", "pool2", "conv5", "conv6", "pool3", "output"}));
  const Names residual = layer_names(resnet("resnet-20"));
  ASSERT_EQ(residual.size(), 1u + 2 * 9 + 2);
  EXPECT_EQ(residual[1], "stage1_block1.conv1");
  EXPECT_EQ(residual[18], "stage3_block3.conv2");
  EXPECT_EQ(residual.back(), "output");
}

TEST(Observe, OutputsAreTheLayersOwnAndChangeNothing) {
  const auto network = resnet_in_disorder(resnet("resnet-20", {}, {1, 8, 8}));
  const at::NoGradGuard no_grad;
  const at::Tensor images = torch::rand({2, 1, 8, 8});
  const at::Tensor expected = network->forward(images);
  std::map<std::string, at::Tensor> seen;
  network->observe([&](const std::string& layer, const at::Tensor& output) {
    EXPECT_EQ(output.size(0), 2) << layer;
    seen[layer] = output.clone();
  });
  EXPECT_TRUE(torch::equal(network->forward(images), expected));
  EXPECT_TRUE(torch::equal(seen.at("output"), expected));
  EXPECT_TRUE(torch::equal(seen.at("pool").flatten(1), seen.at("stage3_block3.conv2").mean({2, 3})));
  network->observe({});
  seen.clear();
  network->forward(images);
  EXPECT_TRUE(seen.empty());
}

TEST(Converted, RoundsEveryWeightToNearest) {
  const auto network = resnet_in_disorder(resnet("resnet-20", {}, {1, 8, 8}));
  for (const auto& [precision, type] : std::vector<std::pair<Precision, at::ScalarType>>{
           {Precision::float32, at::kFloat}, {Precision::float64, at::kDouble}, {Precision::bfloat16, at::kBFloat16}}) {
    const auto copy = converted(*network, precision);
    for (const auto& item : network->named_parameters()) {
      const at::Tensor weights = copy->named_parameters()[item.key()];
      EXPECT_EQ(weights.scalar_type(), type);
      EXPECT_TRUE(torch::equal(weights, item.value().to(type))) << item.key();
    }
    EXPECT_EQ(copy->named_buffers()["norm.running_var"].scalar_type(), type);
  }
  EXPECT_EQ(network->parameters().front().scalar_type(), at::kFloat);
}

TEST(Converted, PredictsInItsPrecision) {
  set_threads_to_one();
  for (const NetworkSpec& spec : {NetworkSpec{"resnet-20", {1, 8, 8}, 3, {}}, NetworkSpec{"dnn-1", {1, 8, 8}, 3, {}},
                                  NetworkSpec{"dnn-2", {1, 8, 8}, 3, {}}}) {
    const auto network = fresh_network(spec);
    const Samples samples(spec.input, 5, 3);
    const at::Tensor single = predict_logits(*network, samples.view(), 2);
    const auto exact = converted(*network, Precision::float64), coarse = converted(*network, Precision::bfloat16);
    const at::Tensor doubles = predict_logits(*exact, samples.view(), 2);
    const at::Tensor brief = predict_logits(*coarse, samples.view(), 2);
    EXPECT_EQ(doubles.scalar_type(), at::kDouble);
    EXPECT_EQ(brief.scalar_type(), at::kBFloat16);
    const double scale = doubles.abs().max().item<double>();
    EXPECT_LT((single.to(at::kDouble) - doubles).abs().max().item<double>(), 1e-5 * scale) << spec.name;
    EXPECT_LT((brief.to(at::kDouble) - doubles).abs().max().item<double>(), 0.1 * scale) << spec.name;
    EXPECT_FALSE(torch::equal(brief.to(at::kDouble), doubles)) << spec.name;
  }
}

TEST(Precision, HasItsNameBack) {
  for (const char* name : {"float32", "float64", "bfloat16"})
    EXPECT_EQ(name_of(precision_named(name)), std::string(name));
  EXPECT_THROW((void)precision_named("float16"), InputError);
}

}  // namespace
}  // namespace telltale::models
