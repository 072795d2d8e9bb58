// Where a network says that it exists: one line in networks/networks.def for each.
#pragma once

#include "models/network.h"

namespace telltale::models {

/// Makes the network; the inputs it is given have been checked to be positive.
using NetworkFactory = std::shared_ptr<Network> (*)(const NetworkSpec&);

#define TELLTALE_NETWORK(name, factory, options) std::shared_ptr<Network> factory(const NetworkSpec& spec);
#include "models/networks/networks.def"
#undef TELLTALE_NETWORK

}  // namespace telltale::models
