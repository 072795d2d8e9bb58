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
  Grid() = default;
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
    /// Its number in the grid, row-major.
    [[nodiscard]] std::size_t index() const { return index_; }
    /// Its position along one axis. Throws Error if the grid has no such axis.
    [[nodiscard]] std::size_t position(const std::string& key) const;
    /// The number, in the grid of the first so many axes, of the point that this one lies on.
    [[nodiscard]] std::size_t leading(std::size_t axes) const;
    [[nodiscard]] bool has(const std::string& key) const { return grid_.has(key); }
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

/// An axis for values that are no key of the job file (`repeat`): integers first .. first + count - 1.
Axis counted_axis(const std::string& name, std::int64_t count, std::int64_t first = 0, const std::string& help = {});
/// An axis of names.
Axis named_axis(const std::string& name, const std::string& help, std::vector<std::string> values);
/// An axis again under another name (`environment_2`), for arrays over pairs.
Axis second(Axis axis, const std::string& help);

/// The grid of all axes, those of `first` varying slower.
Grid operator*(const Grid& first, const Grid& second);

/// The values of a job's keys in one case: those of its axes at a point of a grid, and the job's only one of all
/// others. Refers to both, which must outlive it.
class CaseValues {
 public:
  CaseValues(const Job& job, const Grid::Point& point) : job_(job), point_(point) {}

  [[nodiscard]] std::string text(const std::string& key) const {
    return point_.has(key) ? point_.text(key) : job_.text(key);
  }
  [[nodiscard]] double number(const std::string& key) const;
  [[nodiscard]] long long integer(const std::string& key) const;
  [[nodiscard]] bool flag(const std::string& key) const { return text(key) == "yes"; }
  [[nodiscard]] long long repeat() const { return point_.integer("repeat"); }
  [[nodiscard]] const Job& job() const { return job_; }
  [[nodiscard]] const Grid::Point& point() const { return point_; }

 private:
  const Job& job_;
  Grid::Point point_;
};

}  // namespace telltale::study
