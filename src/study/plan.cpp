#include "study/plan.h"

namespace telltale::study {

void Plan::reserve(std::size_t count) {
  tasks.reserve(count);
  index_.reserve(count);
}

std::size_t Plan::add(PlannedTask task) {
  task.identity = identity_of(task.payload);
  const auto [place, is_new] = index_.emplace(task.identity, tasks.size());
  if (is_new) tasks.push_back(std::move(task));
  return place->second;
}

}  // namespace telltale::study
