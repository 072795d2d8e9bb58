// Where a network says that it exists: one line in networks/networks.def for each.
#pragma once

#include "models/network.h"

namespace telltale::models {

/// Makes the network, of a description that has been checked.
using NetworkFactory = std::shared_ptr<Network> (*)(const NetworkSpec&);

#define TELLTALE_NETWORK(name, factory, options, least) std::shared_ptr<Network> factory(const NetworkSpec& spec);
#include "models/networks/networks.def"
#undef TELLTALE_NETWORK

}  // namespace telltale::models
