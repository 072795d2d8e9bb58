// The plan's items and which of them need which.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cluster/work.h"

namespace telltale::cluster {

class ItemGraph {
 public:
  /// Throws Error for a prerequisite that does not exist, for items that wait for each other in a circle, and for more
  /// than 2^32 items.
  explicit ItemGraph(const std::vector<WorkItem>& items);

  /// The items that need item `index`.
  [[nodiscard]] std::span<const std::uint32_t> dependents(std::size_t index) const {
    return std::span(dependents_).subspan(first_[index], first_[index + 1] - first_[index]);
  }
  /// Every item, after all that it needs.
  [[nodiscard]] std::vector<std::uint32_t> order(const std::vector<WorkItem>& items) const;

 private:
  std::vector<std::uint32_t> dependents_;  // of item i: from first_[i] to first_[i + 1]
  std::vector<std::size_t> first_;
};

}  // namespace telltale::cluster
