#include "models/transform_spec.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace telltale::models {
namespace {

const Parameter& clip_key() {
  static const Parameter key{.name = "clip",
                             .type = ValueType::flag,
                             .fallback = "no",
                             .help = "what the transform makes is clipped to the range of pixels",
                             .axis = AxisRule::allowed};
  return key;
}

std::vector<Parameter> pattern_keys() {
  return {
      {.name = "sigma",
       .type = ValueType::number,
       .fallback = "0.1",
       .help = "amplitude of the pattern (fixed), or of the one that training starts from (learned), in units of the "
               "network's range of pixels",
       .axis = AxisRule::allowed,
       .least = 1e-9,
       .most = 10},
      {.name = "pattern-share",
       .type = ValueType::number,
       .fallback = "0.2",
       .help = "a pixel of the pattern is sigma with this probability, and -sigma with it",
       .axis = AxisRule::allowed,
       .most = 0.5},
      {.name = "pattern-on",
       .type = ValueType::choice,
       .fallback = "window",
       .help = "where training varies images: the pattern is added to what the network sees (window), or to the "
               "image, and is cropped and flipped with it (image)",
       .axis = AxisRule::allowed,
       .choices = {"window", "image"}},
      clip_key()};
}

std::vector<Parameter> generator_keys() {
  return {
      {.name = "generator-channels",
       .type = ValueType::integer,
       .fallback = "16",
       .help = "channels between the generator's convolutions",
       .axis = AxisRule::allowed,
       .least = 1,
       .most = 4096},
      {.name = "generator-start",
       .type = ValueType::choice,
       .fallback = "zero",
       .help = "what its last convolution starts from: nothing is added at first (zero), or drawn weights (drawn)",
       .axis = AxisRule::allowed,
       .choices = {"zero", "drawn"}},
      {.name = "generator-rate",
       .type = ValueType::number,
       .fallback = "0.1",
       .help =
           "its learning rate is the network's times this: as fast as the network, at 0.1, its tanh often ends at 1 "
           "everywhere in the first steps, and stays there",
       .axis = AxisRule::allowed,
       .least = 1e-9,
       .most = 1000},
      clip_key()};
}

std::vector<Parameter> keyed_keys() {
  return {{.name = "key-block",
           .type = ValueType::integer,
           .fallback = "4",
           .help = "rows and columns of a block: they divide those of the images",
           .axis = AxisRule::allowed,
           .least = 1,
           .most = 64},
          clip_key()};
}

Json json_of(const data::ImageShape& shape) {
  return {{"channels", shape.channels}, {"height", shape.height}, {"width", shape.width}};
}

data::ImageShape shape_from(const Json& json) {
  return {json.at("channels").get<int>(), json.at("height").get<int>(), json.at("width").get<int>()};
}

}  // namespace

Json TransformSpec::to_json() const {
  return {
      {"name", name}, {"input", json_of(input)}, {"whole", json_of(whole)}, {"pixels", pixels}, {"settings", settings}};
}

TransformSpec TransformSpec::from_json(const Json& json) {
  try {
    return {json.at("name").get<std::string>(), shape_from(json.at("input")), shape_from(json.at("whole")),
            json.at("pixels").get<std::string>(), json.at("settings")};
  } catch (const Json::exception& problem) {
    throw Error(std::string("this is no description of a transform: ") + problem.what());
  }
}

std::string pixels_of(const NetworkSpec& network) {
  const auto& options = network_options(network.name);
  const bool has =
      std::any_of(options.begin(), options.end(), [](const auto& option) { return option.name == "pixels"; });
  return has ? option_of(network, "pixels") : "unit";
}

double unit_of(const std::string& pixels) { return pixels == "signed" ? 0.5 : 1; }

const std::vector<TransformKind>& transform_kinds() {
  static const std::vector<TransformKind> kinds{
#define TELLTALE_TRANSFORM(name, make, keys, is_trained, help) {name, help, keys(), is_trained},
#include "models/transforms/transforms.def"
#undef TELLTALE_TRANSFORM
  };
  return kinds;
}

const TransformKind& transform_kind(const std::string& name) {
  std::vector<std::string> known;
  for (const TransformKind& kind : transform_kinds()) {
    if (kind.name == name) return kind;
    known.push_back(kind.name);
  }
  throw InputError("there is no transform named \"" + name + "\"; there are: " + joined(known));
}

}  // namespace telltale::models
