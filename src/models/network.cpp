#include "models/network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/registry.h"

namespace telltale::models {
namespace {

struct Entry {
  const char* name;
  NetworkFactory make;
};

constexpr std::array registry{Entry{"dnn-1", make_dnn_1}, Entry{"dnn-2", make_dnn_2}};

// Inputs and outputs that one weight tensor connects, counted as Glorot and Bengio 2010 do: a convolution's kernel
// area multiplies both.
std::pair<std::int64_t, std::int64_t> fans(const at::Tensor& weight) {
  const std::int64_t area = weight.numel() / (weight.size(0) * weight.size(1));
  return {weight.size(1) * area, weight.size(0) * area};
}

}  // namespace

Json NetworkSpec::to_json() const {
  return {{"name", name},
          {"channels", input.channels},
          {"height", input.height},
          {"width", input.width},
          {"classes", classes}};
}

NetworkSpec NetworkSpec::from_json(const Json& json) {
  try {
    NetworkSpec spec;
    spec.name = json.at("name").get<std::string>();
    spec.input.channels = json.at("channels").get<int>();
    spec.input.height = json.at("height").get<int>();
    spec.input.width = json.at("width").get<int>();
    spec.classes = json.at("classes").get<int>();
    return spec;
  } catch (const Json::exception& problem) {
    throw Error(std::string("this is no description of a network: ") + problem.what());
  }
}

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const Entry& entry : registry) names.emplace_back(entry.name);
  return names;
}

std::shared_ptr<Network> make_network(const NetworkSpec& spec) {
  const auto* entry = std::find_if(registry.begin(), registry.end(),
                                   [&](const Entry& candidate) { return spec.name == candidate.name; });
  if (entry == registry.end()) {
    std::string known;
    for (const Entry& candidate : registry) known += (known.empty() ? "" : ", ") + std::string(candidate.name);
    throw InputError("there is no network named \"" + spec.name + "\"; there are: " + known);
  }
  if (spec.classes < 1) throw InputError("network " + spec.name + " needs at least one output");
  if (spec.input.channels < 1 || spec.input.height < 1 || spec.input.width < 1) {
    throw InputError("network " + spec.name + " needs an input of at least one pixel");
  }
  std::shared_ptr<Network> network = entry->make(spec);
  for (at::Tensor& parameter : network->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  return network;
}

void check(const NetworkSpec& spec) { static_cast<void>(make_network(spec)); }

void initialise(Network& network, const Stream& stream) {
  const at::NoGradGuard no_grad;
  for (auto& item : network.named_parameters()) {
    at::Tensor& parameter = item.value();
    if (parameter.dim() < 2) {
      parameter.zero_();
      continue;
    }
    const auto [in, out] = fans(parameter);
    const double limit = std::sqrt(6.0 / static_cast<double>(in + out));
    Stream draws = stream.derive("weights of " + item.key());
    at::Tensor values = at::empty(parameter.sizes(), at::kFloat);
    float* value = values.data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(draws.uniform(-limit, limit));
    parameter.copy_(values);
  }
}

}  // namespace telltale::models
