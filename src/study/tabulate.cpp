#include "study/tabulate.h"

#include "core/error.h"

namespace telltale::study {

const Outcome* done(const OutcomeLookup& outcome, const std::optional<std::size_t>& task) {
  const Outcome* one = task ? outcome(*task) : nullptr;
  return one != nullptr && one->status == TaskStatus::done ? one : nullptr;
}

double number_of(const Outcome* outcome, const std::string& value) {
  if (outcome == nullptr) return missing;
  const auto found = outcome->values.find(value);
  return found == outcome->values.end() ? missing : found->second.as<double>().front();
}

std::int64_t count_of(const Outcome* outcome, const std::string& value) {
  if (outcome == nullptr) return -1;
  const auto found = outcome->values.find(value);
  return found == outcome->values.end() ? -1 : found->second.as<std::int64_t>().front();
}

store::Variable texts(std::string name, std::vector<std::string> dimensions, std::vector<std::string> values,
                      const std::string& help) {
  return {std::move(name), std::move(dimensions), std::move(values), {{"long_name", help}}, std::nullopt};
}

std::vector<std::int64_t> shape_of(const store::Group& group, const std::vector<std::string>& dimensions) {
  std::vector<std::int64_t> shape;
  for (const std::string& name : dimensions) {
    const store::Dimension* dimension = group.find_dimension(name);
    if (dimension == nullptr) throw Error("the group " + group.name + " has no dimension " + name);
    shape.push_back(dimension->size);
  }
  return shape;
}

store::Group group_over(const Grid& grid, const std::string& name, const std::string& help) {
  store::Group group;
  group.name = name;
  group.attributes = {{"description", help}};
  grid.declare(group);
  return group;
}

store::Group group_of(const Stage& stage, const OutcomeLookup& outcome) {
  store::Group group = group_over(stage.grid, stage.name, stage.help);
  for (const Measure& measure : stage.measures) {
    std::vector<double> values;
    values.reserve(stage.tasks.size());
    for (const auto& task : stage.tasks) values.push_back(number_of(done(outcome, task), measure.value));
    add_variable(group, stage.grid, measure.variable, {}, values, measure.help, measure.units);
  }
  for (const Count& count : stage.counts) {
    std::vector<std::int64_t> values;
    values.reserve(stage.tasks.size());
    for (const auto& task : stage.tasks) values.push_back(count_of(done(outcome, task), count.value));
    add_variable(group, stage.grid, count.variable, {}, values, std::string(count.help) + "; -1 where there is none");
  }
  return group;
}

}  // namespace telltale::study
