// What a network is, without what it takes to compute with it: this header needs nothing of LibTorch.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/dataset.h"

namespace telltale::models {

/// Everything that determines a network's structure.
struct NetworkSpec {
  std::string name;  ///< one of network_names()
  data::ImageShape input;
  int classes = 0;  ///< outputs
  /// What a network leaves open, by name; what is absent has its default (see network_options()).
  std::map<std::string, std::string> options;

  [[nodiscard]] Json to_json() const;
  /// Throws Error if a field is missing or of another type.
  static NetworkSpec from_json(const Json& json);
  bool operator==(const NetworkSpec&) const = default;
};

/// The networks that there are.
std::vector<std::string> network_names();

/// What the floats of a prediction are computed in.
enum class Precision { float32, float64, bfloat16 };
/// Throws InputError for another name than "float32", "float64", "bfloat16".
Precision precision_named(const std::string& name);
const char* name_of(Precision precision);

/// An option of a network's structure, and the values it may have: the first is the default.
struct NetworkOption {
  std::string name;
  std::vector<std::string> values;
  std::string help = {};
};

/// What the network of that name leaves open; empty if nothing, or if there is no such network.
const std::vector<NetworkOption>& network_options(const std::string& name);

/// The value of an option of `spec`, or its default. Throws Error if the network has no such option.
std::string option_of(const NetworkSpec& spec, const std::string& option);

/// Throws InputError if there is no network of that name, if it has fewer than one output, if an option or its value is
/// not the network's, or if its layers would reduce such an input to nothing.
void check(const NetworkSpec& spec);

}  // namespace telltale::models
