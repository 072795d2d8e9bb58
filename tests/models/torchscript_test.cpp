#include "models/torchscript.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <sstream>

#include "models/evaluate.h"
#include "models/runtime.h"
#include "samples.h"

namespace telltale::models {
namespace {

torch::jit::Module loaded(const Bytes& script, torch::jit::ExtraFilesMap& extra) {
  std::istringstream file(std::string(script.begin(), script.end()));
  return torch::jit::load(file, at::Device(at::kCPU), extra);
}

// N x C x H x W, as PyTorch has them.
at::Tensor planes_of(const Samples& samples) {
  const auto shape = samples.shape;
  at::Tensor bytes = at::empty({samples.view().count, shape.channels, shape.height, shape.width}, at::kByte);
  std::copy(samples.pixels.begin(), samples.pixels.end(), bytes.data_ptr<std::uint8_t>());
  return bytes.to(at::kFloat) / 255.0F;
}

// Random weights, biases and statistics.
std::shared_ptr<Network> disordered(const NetworkSpec& spec) {
  auto network = fresh_network(spec);
  Stream draws(3, {}, "disorder");
  const at::NoGradGuard no_grad;
  const auto fill = [&](at::Tensor& values) {
    if (values.dim() != 1) return;
    for (std::int64_t i = 0; i < values.numel(); ++i) values[i] = draws.uniform(0.5, 1.5);
  };
  for (at::Tensor& parameter : network->parameters()) fill(parameter);
  for (at::Tensor& buffer : network->buffers()) fill(buffer);
  return network;
}

TEST(TorchScript, GivesTheBitsOfTheNetworkInBatchesOfAnySize) {
  set_threads_to_one();
  const data::ImageShape grey{1, 28, 28}, colour{3, 32, 32};
  for (const NetworkSpec& spec :
       {NetworkSpec{"dnn-1", grey, 11, {}}, NetworkSpec{"dnn-1", colour, 10, {}}, NetworkSpec{"dnn-2", grey, 10, {}},
        NetworkSpec{"resnet-20", grey, 10, {}}, NetworkSpec{"resnet-20", colour, 10, {{"shortcut", "conv-norm"}}},
        NetworkSpec{"resnet-32", colour, 10, {{"shortcut", "pad"}, {"pool", "window"}}},
        NetworkSpec{"dnn-2", colour, 10, {{"norm", "batch"}}},
        NetworkSpec{"aime-seq", grey, 10, {{"pixels", "signed"}}}, NetworkSpec{"aime-cnn-rgb", colour, 10, {}},
        NetworkSpec{"zhang-mnist", grey, 10, {{"pixels", "half"}}}, NetworkSpec{"zhang-cifar", colour, 10, {}}}) {
    const auto network = disordered(spec);
    torch::jit::ExtraFilesMap extra{{"telltale.json", ""}};
    torch::jit::Module script = loaded(torchscript_of(*network, "{\"who\":\"me\"}"), extra);
    EXPECT_EQ(extra.at("telltale.json"), "{\"who\":\"me\"}");
    // Several calls: the first ones are interpreted, later ones optimised.
    for (const std::int64_t batch : {1, 1, 1, 5, 5, 5, 2}) {
      const Samples samples(spec.input, batch, 10);
      const at::Tensor expected = predict_logits(*network, samples.view(), batch);
      EXPECT_TRUE(at::equal(expected, script.forward({planes_of(samples)}).toTensor())) << spec.to_json() << batch;
    }
  }
}

TEST(TorchScript, TakesImagesOfAnyLayoutAndLeavesThemAlone) {
  const auto network = disordered({"resnet-20", {3, 32, 32}, 10, {}});
  torch::jit::ExtraFilesMap none;
  torch::jit::Module script = loaded(torchscript_of(*network, ""), none);
  const at::Tensor images = planes_of(Samples({3, 32, 32}, 4, 10));
  const at::Tensor before = images.clone(), last = images.clone(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(at::equal(script.forward({images}).toTensor(), script.forward({last}).toTensor()));
  EXPECT_TRUE(at::equal(images, before) && at::equal(last, before));
}

TEST(TorchScript, KeepsNamesAndValuesOfParametersAndBuffers) {
  const auto network = disordered({"resnet-20", {3, 32, 32}, 10, {}});
  const bool trains = network->is_training();
  torch::jit::ExtraFilesMap none;
  const torch::jit::Module script = loaded(torchscript_of(*network, ""), none);
  std::size_t parameters = 0, buffers = 0;
  for (const auto& item : script.named_parameters()) {
    ++parameters;
    EXPECT_FALSE(item.value.requires_grad());
    EXPECT_TRUE(at::equal(item.value, network->named_parameters()[item.name])) << item.name;
  }
  for (const auto& item : script.named_buffers()) {
    ++buffers;
    EXPECT_TRUE(at::equal(item.value, network->named_buffers()[item.name])) << item.name;
  }
  EXPECT_EQ(parameters, network->parameters().size());
  EXPECT_EQ(buffers, network->buffers().size());
  EXPECT_EQ(network->is_training(), trains);
  for (const at::Tensor& parameter : network->parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(TorchScript, IsTheSameBytesForTheSameNetwork) {
  const auto network = disordered({"dnn-1", {1, 28, 28}, 10, {}});
  EXPECT_EQ(torchscript_of(*network, "x"), torchscript_of(*network, "x"));
}

}  // namespace
}  // namespace telltale::models
