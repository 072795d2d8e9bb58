// From outcomes to the groups of the results file: what every experiment's tables are made with.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/error.h"
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

/// The arrays of a stage's outcomes, one behind the other, each in the leading corner of `shape`: what is not there,
/// and what other arrays have more, is `fill`. Throws Error if one does not fit.
template <typename T>
std::vector<T> gathered(const Stage& stage, const OutcomeLookup& outcome, const char* value,
                        const std::vector<std::int64_t>& shape, T fill) {
  std::size_t size = 1;
  for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
  std::vector<T> all(size * stage.tasks.size(), fill);
  for (std::size_t point = 0; point < stage.tasks.size(); ++point) {
    const Outcome* one = done(outcome, stage.tasks[point]);
    if (one == nullptr || !one->values.contains(value)) continue;
    const Array& array = one->values.at(value);
    for (std::size_t d = 0; d < shape.size(); ++d)
      if (array.shape.size() != shape.size() || array.shape[d] > shape[d])
        throw Error(std::string("the arrays of ") + value + " do not fit together");
    const auto values = array.as<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::size_t rest = i, place = 0, stride = 1;
      for (std::size_t d = shape.size(); d-- > 0;) {
        place += rest % static_cast<std::size_t>(array.shape[d]) * stride;
        rest /= static_cast<std::size_t>(array.shape[d]);
        stride *= static_cast<std::size_t>(shape[d]);
      }
      all[point * size + place] = values[i];
    }
  }
  return all;
}

/// A group with a name and a description, whose dimensions are a grid's.
store::Group group_over(const Grid& grid, const std::string& name, const std::string& help);

/// The group of a stage: its grid, and each of its measures and counts at every point.
store::Group group_of(const Stage& stage, const OutcomeLookup& outcome);

}  // namespace telltale::study
