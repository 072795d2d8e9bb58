// What the answers of all machines at one point mean: whether the wanted one stands alone, and where zero of the margin
// should lie so that it may. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "forensics/boundary_search.h"

namespace telltale::forensics {

/// The verdict on the machines' labels if it is one that the search wants: any, or the target alone. Of two
/// microarchitectures either stands alone, so that a target is named whenever they part.
std::optional<Verdict> wanted_verdict(const std::vector<int>& labels, const std::vector<int>& microarchitectures,
                                      std::optional<int> target);

/// How far the input should move.
struct Aim {
  double shift = 0;      ///< of every machine's margin
  bool has_gap = false;  ///< the shift lies between a wanted microarchitecture and all others
};

/// `margins`: one a machine. The middle of the widest gap that has one microarchitecture, the target if there is one,
/// on one side and all others on the other; without such a gap the middle of all margins. Of two microarchitectures
/// both are wanted.
Aim aim_between(const std::vector<double>& margins, const std::vector<int>& microarchitectures,
                std::optional<int> target);

}  // namespace telltale::forensics
