#include "models/network_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"

namespace telltale::models {
namespace {

const std::vector<NetworkOption>& no_options() {
  static const std::vector<NetworkOption> none;
  return none;
}

const NetworkOption& pixels_option() {
  static const NetworkOption option{
      "pixels",
      {"unit", "half", "signed"},
      "what the network scales pixels to: [0, 1] (unit), [-0.5, 0.5] (half, as Carlini and Wagner 2017), or [-1, 1] "
      "(signed, as PyTorch's tutorials)"};
  return option;
}

// What a residual network leaves open.
const std::vector<NetworkOption>& resnet_options() {
  // conv: a 1 x 1 convolution without batch norm (what the authors' program did); window: the average over 7 x 7, which
  // on 8 x 8 maps drops a row and a column (likewise); global: over the whole map (the paper's text).
  static const std::vector<NetworkOption> options{
      {"shortcut",
       {"conv", "conv-norm", "pad"},
       "of the residual networks only: past a block that changes the shape goes a 1 x 1 convolution (conv), one with "
       "batch norm (conv-norm), or every second pixel padded with zeros (pad)"},
      {"pool",
       {"global", "window"},
       "of the residual networks only: the last average is over the whole map (global), or over windows of 7 x 7, "
       "which on 8 x 8 maps drop a row and a column (window)"},
      pixels_option()};
  return options;
}

const std::vector<NetworkOption>& pixel_options() {
  static const std::vector<NetworkOption> options{pixels_option()};
  return options;
}

const std::vector<NetworkOption>& zhang_options() {
  static const std::vector<NetworkOption> options{
      pixels_option(),
      {"dropout",
       {"one", "two", "none"},
       "dropout of 0.5 behind the first dense layer (one, as the authors' program did), behind both, or none"}};
  return options;
}

const NetworkOption& norm_option() {
  static const NetworkOption option{
      "norm", {"none", "batch"}, "batch norm after every convolution (dnn-2), or every dense layer but the last (mlp)"};
  return option;
}

const std::vector<NetworkOption>& norm_options() {
  static const std::vector<NetworkOption> options{norm_option()};
  return options;
}

const std::vector<NetworkOption>& mlp_options() {
  static const std::vector<NetworkOption> options{pixels_option(), norm_option()};
  return options;
}

// The least image that the layers leave something of.
struct LeastInput {
  int side = 1;         // of its two
  std::string instead;  // what would do with less
};

template <int pixels>
LeastInput side(const NetworkSpec&) {
  return {pixels, ""};
}

// (25 + 1) / 2 = 13 pixels after one stride, 7 after two: what the windows of the last average need.
LeastInput resnet_side(const NetworkSpec& spec) {
  return option_of(spec, "pool") == "window" ? LeastInput{25, "pool = global"} : LeastInput{};
}

struct Entry {
  const char* name;
  const std::vector<NetworkOption>& (*options)();
  LeastInput (*least)(const NetworkSpec&);
};

#define TELLTALE_NETWORK(name, make, options, least) Entry{name, options, least},
constexpr std::array catalogue{
#include "models/networks/networks.def"
};
#undef TELLTALE_NETWORK

const Entry* find_entry(const std::string& name) {
  const auto* entry = std::find_if(catalogue.begin(), catalogue.end(), [&](const Entry& e) { return name == e.name; });
  return entry == catalogue.end() ? nullptr : entry;
}

void check_options(const NetworkSpec& spec, const std::vector<NetworkOption>& known) {
  for (const auto& [name, value] : spec.options) {
    const auto option =
        std::find_if(known.begin(), known.end(), [&, &wanted = name](const auto& o) { return o.name == wanted; });
    if (option == known.end()) throw InputError("network " + spec.name + " has no option \"" + name + "\"");
    if (std::find(option->values.begin(), option->values.end(), value) == option->values.end())
      throw InputError("network " + spec.name + " has no " + name + " \"" + value +
                       "\"; there are: " + joined(option->values));
  }
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
  for (const Entry& entry : catalogue) names.emplace_back(entry.name);
  return names;
}

const std::vector<NetworkOption>& network_options(const std::string& name) {
  const Entry* entry = find_entry(name);
  return entry == nullptr ? no_options() : entry->options();
}

std::string option_of(const NetworkSpec& spec, const std::string& option) {
  if (const auto chosen = spec.options.find(option); chosen != spec.options.end()) return chosen->second;
  for (const NetworkOption& known : network_options(spec.name))
    if (known.name == option) return known.values.front();
  throw Error("network " + spec.name + " has no option " + option);
}

void check(const NetworkSpec& spec) {
  const Entry* entry = find_entry(spec.name);
  if (entry == nullptr)
    throw InputError("there is no network named \"" + spec.name + "\"; there are: " + joined(network_names()));
  if (spec.classes < 1) throw InputError("network " + spec.name + " needs at least one output");
  const auto& [channels, height, width] = spec.input;
  if (channels < 1 || height < 1 || width < 1)
    throw InputError("network " + spec.name + " needs an input of at least one pixel");
  check_options(spec, entry->options());
  const LeastInput least = entry->least(spec);
  if (height < least.side || width < least.side)
    throw InputError(
        fmt::format("network {} reduces an input of {} x {} pixels to nothing; it needs at least {} x {}{}", spec.name,
                    height, width, least.side, least.side, least.instead.empty() ? "" : ", or " + least.instead));
}

}  // namespace telltale::models
