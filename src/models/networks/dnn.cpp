// The two networks of "A new label helps" (Zhong et al. 2020, section 4.1).
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <array>

#include "models/pooling.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::Conv2d;
using torch::nn::Linear;

constexpr std::int64_t kernel_size = 3;

Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t padding) {
  return Conv2d(torch::nn::Conv2dOptions(in, out, kernel_size).padding(padding));
}

// N x C x H x W as N x (H W C): a view, not a copy, of what lies channels last (and the order of TensorFlow's flatten).
at::Tensor flat(const at::Tensor& maps) { return maps.permute({0, 2, 3, 1}).flatten(1); }

void require_input(bool fits, const NetworkSpec& spec, const char* least) {
  if (fits) return;
  throw InputError("network " + spec.name + " reduces an input of " + std::to_string(spec.input.height) + " x " +
                   std::to_string(spec.input.width) + " pixels to nothing; it needs at least " + least);
}

// conv 32, pool, dense 100, outputs; convolutions without padding.
class Dnn1 : public Network {
 public:
  explicit Dnn1(const NetworkSpec& spec)
      : Network(spec),
        conv_(register_module("conv", convolution(spec.input.channels, 32, 0))),
        dense_(register_module("dense", Linear(pooled(spec.input.height) * pooled(spec.input.width) * 32, 100))),
        output_(register_module("output", Linear(100, spec.classes))) {}

  static std::int64_t pooled(std::int64_t side) { return (side - (kernel_size - 1)) / 2; }

  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor maps = shown("pool", pool_relu(shown("conv", conv_(images))));
    return shown("output", output_(shown("dense", dense_(flat(maps)).relu_())));
  }

 private:
  Conv2d conv_;
  Linear dense_, output_;
};

// 64-64-pool-128-128-pool-256-256-pool, outputs; padded so that convolutions keep the size.
class Dnn2 : public Network {
 public:
  explicit Dnn2(const NetworkSpec& spec)
      : Network(spec),
        convs_{register_module("conv1", convolution(spec.input.channels, 64, 1)),
               register_module("conv2", convolution(64, 64, 1)),
               register_module("conv3", convolution(64, 128, 1)),
               register_module("conv4", convolution(128, 128, 1)),
               register_module("conv5", convolution(128, 256, 1)),
               register_module("conv6", convolution(256, 256, 1))},
        output_(
            register_module("output", Linear((spec.input.height / 8) * (spec.input.width / 8) * 256, spec.classes))) {}

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor maps = images;
    for (std::size_t block = 0; block < convs_.size(); block += 2) {
      const std::string stage = std::to_string(block / 2 + 1);
      maps = shown("conv" + std::to_string(block + 1), convs_[block](maps).relu_());
      maps = shown("pool" + stage, pool_relu(shown("conv" + std::to_string(block + 2), convs_[block + 1](maps))));
    }
    return shown("output", output_(flat(maps)));
  }

 private:
  std::array<Conv2d, 6> convs_;
  Linear output_;
};

}  // namespace

std::shared_ptr<Network> make_dnn_1(const NetworkSpec& spec) {
  require_input(spec.input.height >= 4 && spec.input.width >= 4, spec, "4 x 4");
  return std::make_shared<Dnn1>(spec);
}

std::shared_ptr<Network> make_dnn_2(const NetworkSpec& spec) {
  require_input(spec.input.height >= 8 && spec.input.width >= 8, spec, "8 x 8");
  return std::make_shared<Dnn2>(spec);
}

}  // namespace telltale::models
