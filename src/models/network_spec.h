// What a network is, without what it takes to compute with it: this header needs nothing of LibTorch.
#pragma once

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

  [[nodiscard]] Json to_json() const;
  /// Throws Error if a field is missing or of another type.
  static NetworkSpec from_json(const Json& json);
  bool operator==(const NetworkSpec&) const = default;
};

/// The networks that there are.
std::vector<std::string> network_names();

/// Throws InputError if there is no network of that name, if it has fewer than one output, or if its layers would
/// reduce such an input to nothing.
void check(const NetworkSpec& spec);

}  // namespace telltale::models
