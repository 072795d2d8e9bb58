#include "models/network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/dense.h"
#include "models/pooling.h"
#include "models/registry.h"
#include "models/weights.h"

namespace telltale::models {
namespace {

struct Factory {
  const char* name;
  NetworkFactory make;
};

#define TELLTALE_NETWORK(name, make, options, least) Factory{name, make},
constexpr std::array factories{
#include "models/networks/networks.def"
};
#undef TELLTALE_NETWORK

at::ScalarType type_of(Precision precision) {
  switch (precision) {
    case Precision::float32: return at::kFloat;
    case Precision::float64: return at::kDouble;
    case Precision::bfloat16: return at::kBFloat16;
  }
  throw Error("there is no such precision");
}

// Inputs and outputs that one weight tensor connects, counted as Glorot and Bengio 2010 do: a convolution's kernel
// area multiplies both.
std::pair<std::int64_t, std::int64_t> fans(const at::Tensor& weight) {
  const std::int64_t area = weight.numel() / (weight.size(0) * weight.size(1));
  return {weight.size(1) * area, weight.size(0) * area};
}

}  // namespace

std::shared_ptr<Network> make_network(const NetworkSpec& spec) {
  check(spec);
  const auto* factory =
      std::find_if(factories.begin(), factories.end(), [&](const Factory& f) { return spec.name == f.name; });
  std::shared_ptr<Network> network = factory->make(spec);
  for (at::Tensor& parameter : network->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  return network;
}

at::Tensor Network::dropped(const char* layer, const at::Tensor& values, double rate) const {
  if (!is_training()) return values;
  if (!draws_) throw Error(std::string("layer ") + layer + " draws in training, and nobody said from what");
  Stream draws(Stream::key_of(*draws_, layer));
  const auto kept = static_cast<float>(1 / (1 - rate));
  const at::Tensor mask = at::empty(values.sizes(), at::kFloat);
  float* factor = mask.data_ptr<float>();
  for (std::int64_t i = 0; i < mask.numel(); ++i) factor[i] = draws.uniform() < rate ? 0 : kept;
  return values * mask;
}

at::Tensor Network::pooled_convolution(const char* layer, torch::nn::Conv2d& convolution,
                                       const at::Tensor& images) const {
  if (is_training() && images.scalar_type() == at::kFloat) {
    return convolution_pool_relu(images, convolution->weight, convolution->bias);
  }
  return pool_relu(shown(layer, convolution(images)));
}

at::Tensor Network::dense(std::initializer_list<NamedDense> layers, const at::Tensor& values) const {
  if (is_training() && !observer_) {
    std::vector<at::Tensor> parameters;
    for (const auto& [name, layer] : layers) {
      parameters.push_back((*layer)->weight);
      parameters.push_back((*layer)->bias);
    }
    return dense_layers(values, parameters);
  }
  at::Tensor output = values;
  for (const NamedDense& layer : layers) {
    output = (*layer.second)(output);
    if (&layer != layers.end() - 1) output.relu_();
    shown(layer.first, output);
  }
  return output;
}

void initialise(Network& network, const Stream& stream) { draw_weights(network, network.initialisation(), stream); }

void draw_weights(torch::nn::Module& module, Initialisation initialisation, const Stream& stream) {
  const at::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    at::Tensor& parameter = item.value();
    if (parameter.dim() < 2) {
      // The only weights of one dimension are the scales of batch norms.
      parameter.fill_(item.key().ends_with(".weight") ? 1 : 0);
      continue;
    }
    const auto [in, out] = fans(parameter);
    Stream draws = stream.derive("weights of " + item.key());
    at::Tensor values = at::empty(parameter.sizes(), at::kFloat);
    float* value = values.data_ptr<float>();
    if (initialisation == Initialisation::he) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(in));
      for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(deviation * draws.normal());
    } else {
      const double limit = std::sqrt(6.0 / static_cast<double>(in + out));
      for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(draws.uniform(-limit, limit));
    }
    parameter.copy_(values);
  }
  for (auto& item : module.named_buffers()) item.value().fill_(item.key().ends_with("running_var") ? 1 : 0);
}

std::shared_ptr<Network> converted(const Network& network, Precision precision) {
  std::shared_ptr<Network> copy = copied(network);
  copy->to(type_of(precision));
  return copy;
}

bool is_of_output_layer(std::string_view parameter) { return parameter.starts_with("output."); }

void train_output_layer_alone(Network& network) {
  for (auto& item : network.named_parameters()) item.value().requires_grad_(is_of_output_layer(item.key()));
}

}  // namespace telltale::models
