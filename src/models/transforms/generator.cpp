// Generator (Chen and Wu 2018, Secs. 2.3 and 3.2): tanh(conv 1 x 1 (ReLU(conv 5 x 5 (x)))) is added to each image.
#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>

#include "models/networks/layers.h"
#include "models/transform.h"

namespace telltale::models {
namespace {

class Generator final : public Transform {
 public:
  explicit Generator(const TransformSpec& spec)
      : Transform(spec),
        conv_(register_module("conv", plain_convolution(spec.input.channels, channels(), 5, 2))),
        bottleneck_(register_module("bottleneck", plain_convolution(channels(), spec.input.channels, 1))) {}

  void draw(const Stream& secret) override {
    draw_weights(*this, Initialisation::glorot, secret);
    if (setting("generator_start") == "drawn") return;
    const at::NoGradGuard no_grad;
    bottleneck_->weight.zero_();
  }

  [[nodiscard]] double rate() const override { return setting("generator_rate").get<double>(); }

 private:
  [[nodiscard]] std::int64_t channels() const { return setting("generator_channels").get<std::int64_t>(); }

  at::Tensor perturbation(const at::Tensor& images, std::span<const Variation>) override {
    return bottleneck_(conv_(scaled(images, spec().pixels)).relu_()).tanh();
  }

  torch::nn::Conv2d conv_, bottleneck_;
};

}  // namespace

std::shared_ptr<Transform> make_generator(const TransformSpec& spec) { return std::make_shared<Generator>(spec); }

}  // namespace telltale::models
