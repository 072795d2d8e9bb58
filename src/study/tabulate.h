// From outcomes to the groups of the results file: what every experiment's tables are made with.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/outcome.h"
#include "store/results_file.h"
#include "study/plan.h"

namespace telltale::study {

/// The outcome of a task by its index in the plan; nullptr while there is none.
using OutcomeLookup = std::function<const Outcome*(std::size_t task)>;

/// What stands for a float that is not there.
inline constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// The outcome of a task that succeeded; nullptr of any other, and of no task.
const Outcome* done(const OutcomeLookup& outcome, const std::optional<std::size_t>& task);

/// A float64 scalar of an outcome; NaN where there is none.
double number_of(const Outcome* outcome, const std::string& value);

/// An int64 scalar of an outcome; -1 where there is none.
std::int64_t count_of(const Outcome* outcome, const std::string& value);

/// A variable of numbers; floats have NaN as their fill value.
template <typename T>
store::Variable variable(std::string name, std::vector<std::string> dimensions, std::vector<std::int64_t> shape,
                         const std::vector<T>& values, const std::string& help, const std::string& units = "") {
  store::Variable made;
  made.name = std::move(name);
  made.dimensions = std::move(dimensions);
  made.data = Array::of<T>(std::move(shape), values);
  made.attributes = {{"long_name", help}};
  if (!units.empty()) made.attributes.push_back({"units", units});
  if constexpr (std::is_floating_point_v<T>) made.fill = Array::scalar(std::numeric_limits<T>::quiet_NaN());
  return made;
}

/// A variable of texts.
store::Variable texts(std::string name, std::vector<std::string> dimensions, std::vector<std::string> values,
                      const std::string& help);

/// Sizes of dimensions of a group. Throws Error if it has not declared one of them.
std::vector<std::int64_t> shape_of(const store::Group& group, const std::vector<std::string>& dimensions);

/// Adds a variable whose dimensions the group has declared: of a grid, and `more` behind them.
template <typename T>
void add_variable(store::Group& group, const Grid& grid, const std::string& name, const std::vector<std::string>& more,
                  const std::vector<T>& values, const std::string& help, const std::string& units = "") {
  std::vector<std::string> dimensions = grid.dimensions();
  dimensions.insert(dimensions.end(), more.begin(), more.end());
  auto shape = shape_of(group, dimensions);
  group.variables.push_back(variable<T>(name, std::move(dimensions), std::move(shape), values, help, units));
}

/// A group with a name and a description, whose dimensions are a grid's.
store::Group group_over(const Grid& grid, const std::string& name, const std::string& help);

/// The group of a stage: its grid, and each of its measures and counts at every point.
store::Group group_of(const Stage& stage, const OutcomeLookup& outcome);

}  // namespace telltale::study
