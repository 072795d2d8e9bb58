// Dense layers alone: what is blind to how pixels lie, and so to a key that mixes them (transforms/keyed.cpp).
#include <torch/nn/modules/batchnorm.h>

#include <array>

#include "models/networks/layers.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::BatchNorm1d;
using torch::nn::Linear;

constexpr std::int64_t width = 1024;

// dense 1024, dense 1024, outputs. Option `norm`: batch norm after both.
class Mlp : public Network {
 public:
  explicit Mlp(const NetworkSpec& spec)
      : Network(spec),
        pixels_(option_of(spec, "pixels")),
        dense_{register_module("dense1", Linear(static_cast<std::int64_t>(spec.input.pixels()), width)),
               register_module("dense2", Linear(width, width))},
        output_(register_module("output", Linear(width, spec.classes))) {
    if (option_of(spec, "norm") == "none") return;
    for (std::size_t i = 0; i < dense_.size(); ++i)
      norms_[i] = register_module("norm" + std::to_string(i + 1), BatchNorm1d(width));
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor values = flat(scaled(images, pixels_));
    for (std::size_t i = 0; i < dense_.size(); ++i) {
      values = dense_[i](values);
      if (norms_[i]) values = norms_[i](values);
      values = shown("dense" + std::to_string(i + 1), values.relu_());
    }
    return shown("output", output_(values));
  }

 private:
  std::string pixels_;
  std::array<Linear, 2> dense_;
  std::array<BatchNorm1d, 2> norms_{nullptr, nullptr};
  Linear output_;
};

}  // namespace

std::shared_ptr<Network> make_mlp(const NetworkSpec& spec) { return std::make_shared<Mlp>(spec); }

}  // namespace telltale::models
