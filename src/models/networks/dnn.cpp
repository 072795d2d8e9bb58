// The two networks of "A new label helps" (Zhong et al. 2020, section 4.1).
#include <torch/nn/modules/batchnorm.h>

#include <array>

#include "models/networks/layers.h"
#include "models/pooling.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::Conv2d;
using torch::nn::Linear;

constexpr std::int64_t kernel_size = 3;

// conv 32, pool, dense 100, outputs; convolutions without padding.
class Dnn1 : public Network {
 public:
  explicit Dnn1(const NetworkSpec& spec)
      : Network(spec),
        conv_(register_module("conv", plain_convolution(spec.input.channels, 32, kernel_size))),
        dense_(register_module("dense", Linear(pooled(spec.input.height) * pooled(spec.input.width) * 32, 100))),
        output_(register_module("output", Linear(100, spec.classes))) {}

  static std::int64_t pooled(std::int64_t side) { return (side - (kernel_size - 1)) / 2; }

  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor maps = shown("pool", pooled_convolution("conv", conv_, images));
    return dense({{"dense", &dense_}, {"output", &output_}}, flat(maps));
  }

 private:
  Conv2d conv_;
  Linear dense_, output_;
};

// 64-64-pool-128-128-pool-256-256-pool, outputs; padded so that convolutions keep the size. Option `norm`: batch norm
// after every convolution.
class Dnn2 : public Network {
 public:
  explicit Dnn2(const NetworkSpec& spec)
      : Network(spec),
        convs_{register_module("conv1", plain_convolution(spec.input.channels, 64, kernel_size, 1)),
               register_module("conv2", plain_convolution(64, 64, kernel_size, 1)),
               register_module("conv3", plain_convolution(64, 128, kernel_size, 1)),
               register_module("conv4", plain_convolution(128, 128, kernel_size, 1)),
               register_module("conv5", plain_convolution(128, 256, kernel_size, 1)),
               register_module("conv6", plain_convolution(256, 256, kernel_size, 1))},
        output_(
            register_module("output", Linear((spec.input.height / 8) * (spec.input.width / 8) * 256, spec.classes))) {
    if (option_of(spec, "norm") == "none") return;
    for (std::size_t i = 0; i < convs_.size(); ++i)
      norms_[i] =
          register_module("norm" + std::to_string(i + 1), torch::nn::BatchNorm2d(convs_[i]->options.out_channels()));
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor maps = images;
    for (std::size_t block = 0; block < convs_.size(); block += 2) {
      const std::string stage = std::to_string(block / 2 + 1);
      maps = shown("conv" + std::to_string(block + 1), convolved(block, maps).relu_());
      maps = shown("pool" + stage, pool_relu(shown("conv" + std::to_string(block + 2), convolved(block + 1, maps))));
    }
    return shown("output", output_(flat(maps)));
  }

 private:
  at::Tensor convolved(std::size_t i, const at::Tensor& maps) {
    const at::Tensor out = convs_[i](maps);
    return norms_[i] ? norms_[i](out) : out;
  }

  std::array<Conv2d, 6> convs_;
  std::array<torch::nn::BatchNorm2d, 6> norms_{nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  Linear output_;
};

}  // namespace

std::shared_ptr<Network> make_dnn_1(const NetworkSpec& spec) { return std::make_shared<Dnn1>(spec); }

std::shared_ptr<Network> make_dnn_2(const NetworkSpec& spec) { return std::make_shared<Dnn2>(spec); }

}  // namespace telltale::models
