// The pruning attack: the weights smallest in absolute value are set to zero (Zhong et al. 2020, Fig 4).
#pragma once

#include <cstdint>
#include <string_view>

#include "models/network.h"

namespace telltale::watermark {

enum class PruneScope {
  global,      ///< the share counts over all weight tensors together
  per_tensor,  ///< over each weight tensor
};

/// "global" or "per-tensor".
std::string_view name_of(PruneScope scope);
/// Throws InputError, with the known names, for any other.
PruneScope prune_scope_named(std::string_view name);

/// Zeroes the share `rate` of the weights, rounded to the nearest whole number of them (a half up), and returns how
/// many that is. Of equal weights the first in the network's order go first. Biases and batch-norm parameters (all that
/// have one dimension) are left out and not counted, unless `biases_too`. NaN counts as largest. InputError unless 0 <=
/// rate < 1.
std::int64_t prune(models::Network& network, double rate, PruneScope scope, bool biases_too = false);

}  // namespace telltale::watermark
