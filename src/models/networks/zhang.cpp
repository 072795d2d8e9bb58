// The networks of the backdoor watermarks (Zhang et al. 2018, Table 6), which are those of Carlini and Wagner 2017: two
// pairs of convolutions without padding, two dense layers, and dropout between those.
#include <array>

#include "models/networks/layers.h"
#include "models/pooling.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::Conv2d;
using torch::nn::Linear;

constexpr double dropout_rate = 0.5;

class Zhang : public Network {
 public:
  // Filters of the first and the second pair, width of the dense layers.
  Zhang(const NetworkSpec& spec, std::int64_t first, std::int64_t second, std::int64_t width)
      : Network(spec),
        pixels_(option_of(spec, "pixels")),
        dropout_(option_of(spec, "dropout")),
        convs_{register_module("conv1", plain_convolution(spec.input.channels, first, kernel)),
               register_module("conv2", plain_convolution(first, first, kernel)),
               register_module("conv3", plain_convolution(first, second, kernel)),
               register_module("conv4", plain_convolution(second, second, kernel))},
        dense1_(register_module("dense1", Linear(left(spec.input.height) * left(spec.input.width) * second, width))),
        dense2_(register_module("dense2", Linear(width, width))),
        output_(register_module("output", Linear(width, spec.classes))) {}

  // What two pairs of convolutions and two pools leave of a side.
  static std::int64_t left(std::int64_t side) { return ((side - 4) / 2 - 4) / 2; }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor maps = shown("conv1", convs_[0](scaled(images, pixels_)).relu_());
    maps = shown("pool1", pool_relu(shown("conv2", convs_[1](maps))));
    maps = shown("conv3", convs_[2](maps).relu_());
    maps = shown("pool2", pool_relu(shown("conv4", convs_[3](maps))));
    at::Tensor dense = shown("dense1", dense1_(flat(maps)).relu_());
    if (dropout_ != "none") dense = dropped("dropout1", dense, dropout_rate);
    dense = shown("dense2", dense2_(dense).relu_());
    if (dropout_ == "two") dense = dropped("dropout2", dense, dropout_rate);
    return shown("output", output_(dense));
  }

 private:
  static constexpr std::int64_t kernel = 3;

  std::string pixels_, dropout_;
  std::array<Conv2d, 4> convs_;
  Linear dense1_, dense2_, output_;
};

std::shared_ptr<Network> make_zhang(const NetworkSpec& spec, std::int64_t first, std::int64_t second,
                                    std::int64_t width) {
  return std::make_shared<Zhang>(spec, first, second, width);
}

}  // namespace

std::shared_ptr<Network> make_zhang_mnist(const NetworkSpec& spec) { return make_zhang(spec, 32, 64, 200); }
std::shared_ptr<Network> make_zhang_cifar(const NetworkSpec& spec) { return make_zhang(spec, 64, 128, 256); }

}  // namespace telltale::models
