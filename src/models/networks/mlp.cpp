// Dense layers alone: what is blind to how pixels lie, and so to a key that mixes them (transforms/keyed.cpp).
#include <ATen/ATen.h>
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
      if (norms_[i]) values = normalised(norms_[i], values);
      values = shown("dense" + std::to_string(i + 1), values.relu_());
    }
    return shown("output", output_(values));
  }

 private:
  // One sample has no spread: the batch that it makes is normalised by what was learned before it.
  static at::Tensor normalised(BatchNorm1d& norm, const at::Tensor& values) {
    if (!norm->is_training() || values.size(0) > 1) return norm(values);
    return at::batch_norm(values, norm->weight, norm->bias, norm->running_mean, norm->running_var, false, 0,
                          norm->options.eps(), false);
  }

  std::string pixels_;
  std::array<Linear, 2> dense_;
  std::array<BatchNorm1d, 2> norms_{nullptr, nullptr};
  Linear output_;
};

}  // namespace

std::shared_ptr<Network> make_mlp(const NetworkSpec& spec) { return std::make_shared<Mlp>(spec); }

}  // namespace telltale::models
