// Made-up results files, and what a table made of them says.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::experiments {

using Labels = std::vector<std::string>;

inline store::Variable labels_of(const std::string& name, const std::string& dimension, const Labels& values) {
  return {name, {dimension}, values, {}, std::nullopt};
}

inline store::Variable numbers_of(const std::string& name, const std::vector<std::string>& dimensions,
                                  const std::vector<std::int64_t>& shape, const std::vector<double>& values) {
  return {name, dimensions, Array::of<double>(shape, values), {}, std::nullopt};
}

// The groups `tasks` and `run`: each task, and how long it took.
inline void add_made_up_tasks(store::Group& root, const Labels& tasks, const std::vector<double>& seconds) {
  const auto count = static_cast<std::int64_t>(tasks.size());
  root.children.push_back({"tasks", {}, {{"task", count}}, {labels_of("identity", "task", tasks)}, {}});
  root.children.push_back({"run", {}, {{"task", count}}, {numbers_of("seconds", {"task"}, {count}, seconds)}, {}});
}

inline std::string cell(const study::Table& table, const std::string& column, std::size_t row = 0) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), column);
  return table.rows.at(row).at(static_cast<std::size_t>(found - table.columns.begin()));
}

}  // namespace telltale::experiments
