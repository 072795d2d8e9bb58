// Where a network says that it exists: one line in networks.def for each.
#pragma once

#include "models/network.h"

namespace telltale::models {

/// Makes the network; the inputs it is given have been checked to be positive.
using NetworkFactory = std::shared_ptr<Network> (*)(const NetworkSpec&);

std::shared_ptr<Network> make_dnn_1(const NetworkSpec& spec);
std::shared_ptr<Network> make_dnn_2(const NetworkSpec& spec);
std::shared_ptr<Network> make_resnet_20(const NetworkSpec& spec);
std::shared_ptr<Network> make_resnet_32(const NetworkSpec& spec);

}  // namespace telltale::models
