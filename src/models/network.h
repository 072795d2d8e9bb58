// The room of networks: what they are made of, their weights, how they are trained and asked.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "models/network_spec.h"

namespace telltale::models {

/// A network of one spec. Convolution weights lie in memory channels last, which is what is fast here.
class Network : public torch::nn::Module {
 public:
  explicit Network(NetworkSpec spec) : spec_(std::move(spec)) {}

  /// Logits, N x classes, for float32 images, N x C x H x W with pixels in [0, 1], best laid out channels last.
  virtual at::Tensor forward(const at::Tensor& images) = 0;

  [[nodiscard]] const NetworkSpec& spec() const { return spec_; }

 private:
  NetworkSpec spec_;
};

/// A network with undefined weights: initialise or load them next. Throws InputError if there is no network of that
/// name, if it has fewer than one output, or if its layers would reduce such an input to nothing.
std::shared_ptr<Network> make_network(const NetworkSpec& spec);

/// Glorot's uniform weights and zero biases, as TensorFlow's layers have them. A parameter's draws are a function of
/// `stream`'s key, its name and its shape, and are the same on every CPU: two networks that differ in the number of
/// outputs start with the same inner layers.
void initialise(Network& network, const Stream& stream);

}  // namespace telltale::models
