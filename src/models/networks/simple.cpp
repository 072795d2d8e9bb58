// The small network of anti-piracy (Chen and Wu 2018, Table 1).
#include "models/networks/layers.h"
#include "models/pooling.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::Conv2d;
using torch::nn::Linear;

constexpr double simple_dropout = 0.5;

// conv 32, pool, conv 64, pool, dense 1024 with dropout, outputs; padded so that convolutions keep the size.
class SimpleCnn : public Network {
 public:
  explicit SimpleCnn(const NetworkSpec& spec)
      : Network(spec),
        pixels_(option_of(spec, "pixels")),
        conv1_(register_module("conv1", plain_convolution(spec.input.channels, 32, 3, 1))),
        conv2_(register_module("conv2", plain_convolution(32, 64, 3, 1))),
        dense_(register_module("dense", Linear((spec.input.height / 4) * (spec.input.width / 4) * 64, 1024))),
        output_(register_module("output", Linear(1024, spec.classes))) {}

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor maps = shown("pool1", pool_relu(shown("conv1", conv1_(scaled(images, pixels_)))));
    maps = shown("pool2", pool_relu(shown("conv2", conv2_(maps))));
    const at::Tensor dense = shown("dense", dense_(flat(maps)).relu_());
    return shown("output", output_(dropped("dropout", dense, simple_dropout)));
  }

 private:
  std::string pixels_;
  Conv2d conv1_, conv2_;
  Linear dense_, output_;
};

}  // namespace

std::shared_ptr<Network> make_simple_cnn(const NetworkSpec& spec) { return std::make_shared<SimpleCnn>(spec); }

}  // namespace telltale::models
