// The networks of AIME (Mehta et al. 2022, Table III): a dense one and a convolutional one, the latter for grey and for
// colour images. The kernels are 5 x 5 and the pools' stride is 2: only so its dense layers get 256 and 400 values.
#include "models/networks/layers.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::Conv2d;
using torch::nn::Linear;

// 128, 64, outputs.
class AimeSequential : public Network {
 public:
  explicit AimeSequential(const NetworkSpec& spec)
      : Network(spec),
        pixels_(option_of(spec, "pixels")),
        dense1_(register_module("dense1", Linear(spec.input.pixels(), 128))),
        dense2_(register_module("dense2", Linear(128, 64))),
        output_(register_module("output", Linear(64, spec.classes))) {}

  at::Tensor forward(const at::Tensor& images) override {
    return dense({{"dense1", &dense1_}, {"dense2", &dense2_}, {"output", &output_}}, flat(scaled(images, pixels_)));
  }

 private:
  std::string pixels_;
  Linear dense1_, dense2_, output_;
};

// 6 conv 5 x 5, pool, 16 conv 5 x 5, pool, 120, 84, outputs.
class AimeCnn : public Network {
 public:
  explicit AimeCnn(const NetworkSpec& spec)
      : Network(spec),
        pixels_(option_of(spec, "pixels")),
        conv1_(register_module("conv1", plain_convolution(spec.input.channels, 6, kernel))),
        conv2_(register_module("conv2", plain_convolution(6, 16, kernel))),
        dense1_(register_module("dense1", Linear(left(spec.input.height) * left(spec.input.width) * 16, 120))),
        dense2_(register_module("dense2", Linear(120, 84))),
        output_(register_module("output", Linear(84, spec.classes))) {}

  // What two convolutions and pools leave of a side.
  static std::int64_t left(std::int64_t side) { return ((side - 4) / 2 - 4) / 2; }

  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor first = shown("pool1", pooled_convolution("conv1", conv1_, scaled(images, pixels_)));
    const at::Tensor second = shown("pool2", pooled_convolution("conv2", conv2_, first));
    return dense({{"dense1", &dense1_}, {"dense2", &dense2_}, {"output", &output_}}, flat(second));
  }

 private:
  static constexpr std::int64_t kernel = 5;

  std::string pixels_;
  Conv2d conv1_, conv2_;
  Linear dense1_, dense2_, output_;
};

}  // namespace

std::shared_ptr<Network> make_aime_seq(const NetworkSpec& spec) { return std::make_shared<AimeSequential>(spec); }

std::shared_ptr<Network> make_aime_cnn(const NetworkSpec& spec) { return std::make_shared<AimeCnn>(spec); }

}  // namespace telltale::models
