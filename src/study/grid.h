// The grid of a study: every combination of the values of its axes and repeats, in row-major order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "store/results_file.h"
#include "study/job.h"

namespace telltale::study {

/// Named dimensions, the first varying slowest. A repeat is an axis like any other.
class Grid {
 public:
  explicit Grid(std::vector<Axis> axes) : axes_(std::move(axes)) {}

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::vector<Axis>& axes() const { return axes_; }
  [[nodiscard]] std::vector<std::int64_t> shape() const;
  [[nodiscard]] std::vector<std::string> dimensions() const;

  /// One point of the grid: the value of every axis, by key.
  class Point {
   public:
    Point(const Grid& grid, std::size_t index) : grid_(grid), index_(index) {}
    /// Throws Error if the grid has no such axis.
    [[nodiscard]] const std::string& text(const std::string& key) const;
    [[nodiscard]] double number(const std::string& key) const;
    [[nodiscard]] long long integer(const std::string& key) const;
    [[nodiscard]] std::size_t index() const { return index_; }
    /// "method=clean, alpha=0.01": for messages and the table of tasks.
    [[nodiscard]] std::string label() const;

   private:
    const Grid& grid_;
    std::size_t index_;
  };

  [[nodiscard]] Point point(std::size_t index) const { return {*this, index}; }
  /// Whether there is such an axis.
  [[nodiscard]] bool has(const std::string& key) const;

  /// Declares the dimensions of this grid in a group, each with its coordinate variable: float64 for numbers, int64
  /// for integers, strings otherwise.
  void declare(store::Group& group) const;

 private:
  std::vector<Axis> axes_;
};

/// An axis for values that are no key of the job file (`repeat`): integers 0 .. count-1.
Axis counted_axis(const std::string& name, std::int64_t count);

/// A value of a key: the grid's where it is an axis there, else the job's only one.
std::string value_of(const Job& job, const Grid::Point& point, const Grid& grid, const std::string& key);

}  // namespace telltale::study
