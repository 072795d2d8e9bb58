#include "study/plan.h"

#include <algorithm>

#include "core/error.h"

namespace telltale::study {

const Stage* Plan::find_stage(const std::string& name) const {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const Stage& stage) { return stage.name == name; });
  return found == stages.end() ? nullptr : &*found;
}

const Stage& Plan::stage(const std::string& name) const {
  const Stage* found = find_stage(name);
  if (found == nullptr) throw Error("the plan has no stage " + name);
  return *found;
}

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

std::map<std::string, int> algorithms_of(const Plan& plan) {
  std::map<std::string, int> versions;
  for (const PlannedTask& task : plan.tasks)
    versions[task.payload.at("kind").get<std::string>()] = task.payload.value("algorithm", 0);
  return versions;
}

std::vector<Axis> axes_of(const Plan& plan) {
  std::vector<Axis> axes;
  for (const Stage& stage : plan.stages)
    for (const Axis& axis : stage.grid.axes())
      if (std::none_of(axes.begin(), axes.end(), [&](const Axis& known) { return known.key == axis.key; }))
        axes.push_back(axis);
  return axes;
}

}  // namespace telltale::study
