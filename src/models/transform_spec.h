// What an anti-piracy transform is (Chen and Wu 2018): what an authorised user's device does to every image before a
// protected network sees it. Without what it takes to compute one: this header needs nothing of LibTorch.
//
// Adding one is a file in transforms/ and a line in transforms/transforms.def.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "core/parameter.h"
#include "data/dataset.h"
#include "models/network_spec.h"

namespace telltale::models {

/// Everything that determines a transform but for what is drawn or trained.
struct TransformSpec {
  std::string name;        ///< one of transform_kinds()
  data::ImageShape input;  ///< of the images that it changes: what the network takes
  data::ImageShape whole;  ///< of the images that these are windows of; the same where they are whole
  std::string pixels;  ///< the network's range of pixels: perturbations are in its units ("signed": half of [0, 1]'s)
  Json settings = Json::object();  ///< a value for each of its parameters, by field

  [[nodiscard]] Json to_json() const;
  /// Throws Error if a field is missing or of another type.
  static TransformSpec from_json(const Json& json);
};

/// A network's range of pixels: its option `pixels`, or "unit".
std::string pixels_of(const NetworkSpec& network);
/// One unit of such a range, in units of [0, 1].
double unit_of(const std::string& pixels);

/// A kind of transform, as job files name it.
struct TransformKind {
  std::string name;
  std::string help;
  std::vector<Parameter> parameters;  ///< its keys
  bool is_trained = false;            ///< with the network; or drawn from the owner's secret alone
};

/// Every one there is.
const std::vector<TransformKind>& transform_kinds();
/// Throws InputError, naming those that there are, for another name.
const TransformKind& transform_kind(const std::string& name);

}  // namespace telltale::models
