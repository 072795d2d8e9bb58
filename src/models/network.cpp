#include "models/network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/registry.h"
#include "models/weights.h"

namespace telltale::models {
namespace {

const std::vector<NetworkOption>& no_options() {
  static const std::vector<NetworkOption> none;
  return none;
}

struct Entry {
  const char* name;
  NetworkFactory make;
  const std::vector<NetworkOption>& (*options)() = no_options;
};

constexpr std::array registry{Entry{"dnn-1", make_dnn_1}, Entry{"dnn-2", make_dnn_2},
                              Entry{"resnet-20", make_resnet_20, resnet_options},
                              Entry{"resnet-32", make_resnet_32, resnet_options}};

const Entry* entry_of(const std::string& name) {
  const auto* entry = std::find_if(registry.begin(), registry.end(), [&](const Entry& e) { return name == e.name; });
  return entry == registry.end() ? nullptr : entry;
}

void check_options(const NetworkSpec& spec, const std::vector<NetworkOption>& known) {
  for (const auto& [name, value] : spec.options) {
    const auto option =
        std::find_if(known.begin(), known.end(), [&](const NetworkOption& o) { return o.name == name; });
    if (option == known.end()) throw InputError("network " + spec.name + " has no option \"" + name + "\"");
    if (std::find(option->values.begin(), option->values.end(), value) != option->values.end()) continue;
    std::string values;
    for (const std::string& one : option->values) values += (values.empty() ? "" : ", ") + one;
    throw InputError("network " + spec.name + " has no " + name + " \"" + value + "\"; there are: " + values);
  }
}

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

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::float32: return "float32";
    case Precision::float64: return "float64";
    case Precision::bfloat16: return "bfloat16";
  }
  throw Error("there is no such precision");
}

Precision precision_named(const std::string& name) {
  for (const Precision precision : {Precision::float32, Precision::float64, Precision::bfloat16})
    if (name == name_of(precision)) return precision;
  throw InputError("there is no precision \"" + name + "\"; there are: float32, float64, bfloat16");
}

Json NetworkSpec::to_json() const {
  Json json = {{"name", name},
               {"channels", input.channels},
               {"height", input.height},
               {"width", input.width},
               {"classes", classes}};
  if (!options.empty()) json["options"] = options;
  return json;
}

NetworkSpec NetworkSpec::from_json(const Json& json) {
  try {
    NetworkSpec spec;
    spec.name = json.at("name").get<std::string>();
    spec.input.channels = json.at("channels").get<int>();
    spec.input.height = json.at("height").get<int>();
    spec.input.width = json.at("width").get<int>();
    spec.classes = json.at("classes").get<int>();
    if (json.contains("options")) json["options"].get_to(spec.options);
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

const std::vector<NetworkOption>& network_options(const std::string& name) {
  const Entry* entry = entry_of(name);
  return entry == nullptr ? no_options() : entry->options();
}

std::string option_of(const NetworkSpec& spec, const std::string& option) {
  if (const auto chosen = spec.options.find(option); chosen != spec.options.end()) return chosen->second;
  for (const NetworkOption& known : network_options(spec.name))
    if (known.name == option) return known.values.front();
  throw Error("network " + spec.name + " has no option " + option);
}

std::shared_ptr<Network> make_network(const NetworkSpec& spec) {
  const Entry* entry = entry_of(spec.name);
  if (entry == nullptr) {
    std::string known;
    for (const Entry& candidate : registry) known += (known.empty() ? "" : ", ") + std::string(candidate.name);
    throw InputError("there is no network named \"" + spec.name + "\"; there are: " + known);
  }
  if (spec.classes < 1) throw InputError("network " + spec.name + " needs at least one output");
  if (spec.input.channels < 1 || spec.input.height < 1 || spec.input.width < 1) {
    throw InputError("network " + spec.name + " needs an input of at least one pixel");
  }
  check_options(spec, entry->options());
  std::shared_ptr<Network> network = entry->make(spec);
  for (at::Tensor& parameter : network->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
  return network;
}

void check(const NetworkSpec& spec) { static_cast<void>(make_network(spec)); }

std::vector<std::string> layer_names(const NetworkSpec& spec) {
  const std::shared_ptr<Network> network = make_network(spec);
  network->eval();
  std::vector<std::string> names;
  network->observe([&](const std::string& layer, const at::Tensor&) { names.push_back(layer); });
  const at::NoGradGuard no_grad;
  network->forward(at::zeros({1, spec.input.channels, spec.input.height, spec.input.width}));
  return names;
}

void initialise(Network& network, const Stream& stream) {
  const at::NoGradGuard no_grad;
  for (auto& item : network.named_parameters()) {
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
    if (network.initialisation() == Initialisation::he) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(in));
      for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(deviation * draws.normal());
    } else {
      const double limit = std::sqrt(6.0 / static_cast<double>(in + out));
      for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(draws.uniform(-limit, limit));
    }
    parameter.copy_(values);
  }
  for (auto& item : network.named_buffers()) item.value().fill_(item.key().ends_with("running_var") ? 1 : 0);
}

std::shared_ptr<Network> converted(const Network& network, Precision precision) {
  std::shared_ptr<Network> copy = load_network(save_weights(network));
  copy->to(type_of(precision));
  return copy;
}

}  // namespace telltale::models
