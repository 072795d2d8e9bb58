#include "cluster/item_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace telltale::cluster {

ItemGraph::ItemGraph(const std::vector<WorkItem>& items) : first_(items.size() + 1) {
  if (items.size() > std::numeric_limits<std::uint32_t>::max()) throw Error("a plan of more than 2^32 tasks");
  for (const WorkItem& item : items)
    for (const std::size_t p : item.prerequisites) {
      if (p >= items.size())
        throw Error(fmt::format("task {} needs a task that is not in the plan", item.identity.brief()));
      ++first_[p + 1];
    }
  for (std::size_t i = 0; i < items.size(); ++i) first_[i + 1] += first_[i];
  dependents_.resize(first_.back());
  std::vector<std::size_t> end(first_.begin(), first_.end() - 1);
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const std::size_t p : items[i].prerequisites) dependents_[end[p]++] = static_cast<std::uint32_t>(i);
}

// Kahn 1962; whatever never becomes free is part of a circle.
std::vector<std::uint32_t> ItemGraph::order(const std::vector<WorkItem>& items) const {
  std::vector<std::uint32_t> order;
  order.reserve(items.size());
  std::vector<std::size_t> missing(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    if ((missing[i] = items[i].prerequisites.size()) == 0) order.push_back(static_cast<std::uint32_t>(i));
  for (std::size_t at = 0; at < order.size(); ++at)
    for (const std::uint32_t d : dependents(order[at]))
      if (--missing[d] == 0) order.push_back(d);
  if (order.size() != items.size()) {
    const auto stuck = std::find_if(missing.begin(), missing.end(), [](std::size_t n) { return n > 0; });
    throw Error(fmt::format("task {} waits for itself: the plan has a circle",
                            items[static_cast<std::size_t>(stuck - missing.begin())].identity.brief()));
  }
  return order;
}

}  // namespace telltale::cluster
