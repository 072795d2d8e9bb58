// Reading a results file's variables by the labels of their dimensions: what reports are made of.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::study {

/// An attribute as text; empty if there is none.
std::string text_of(const store::Group& group, const char* attribute);
bool is_true(const store::Group& group, const char* attribute);

/// An element as a double, whatever type of number the array holds.
double number_at(const Array& array, std::size_t element);
/// The same of a group's variable; NaN where the group has none.
double number_in(const store::Group& group, const std::string& variable, std::size_t element);
/// How long a dimension of a group is; 0 where the group has none.
std::size_t length_of(const store::Group& group, const std::string& dimension);

/// The seconds that every task took where it ran, by its identity; NaN where it did not. None in files without tasks.
std::map<std::string, double> task_seconds(const store::Group& root);

/// A float64 variable with its dimensions, walked cell by cell. Refers to the group, which must outlive it.
class Cells {
 public:
  /// Throws Error if the group has no such variable.
  Cells(const store::Group& group, const std::string& name);

  [[nodiscard]] const std::vector<std::string>& dimensions() const { return variable_.dimensions; }
  [[nodiscard]] std::size_t size() const { return variable_.numbers().elements(); }
  [[nodiscard]] double value(std::size_t cell) const { return variable_.numbers().as<double>()[cell]; }
  /// The labels of a cell by dimension.
  [[nodiscard]] std::map<std::string, std::string> labels(std::size_t cell) const;

 private:
  [[nodiscard]] std::string label(const std::string& dimension, std::size_t position) const;

  const store::Group& group_;
  const store::Variable& variable_;
  std::vector<std::size_t> sizes_;
};

/// The values of a variable gathered by the labels of some dimensions; missing ones (NaN) are left out.
struct Gathered {
  std::vector<std::vector<std::string>> keys;  ///< in the order in which they first appear
  std::map<std::vector<std::string>, std::vector<double>> values;
};
Gathered gather_by(const Cells& cells, const std::vector<std::string>& dimensions);

/// The same with one value a repeat: the mean over all other dimensions. Cells of one repeat share a network, a secret
/// or data: they are no independent trials, so intervals come from repeats alone.
Gathered gather_repeats(const Cells& cells, const std::vector<std::string>& dimensions);

/// NaN of no values.
double mean(const std::vector<double>& values);
/// "0.0035", "17.5".
std::string shortest(double value);
/// "0.125" of three digits; "-" for NaN.
std::string decimals(double value, int digits);
/// A share as percent, "97.94"; "-" for NaN.
std::string percent(double share);
/// The mean of one share; of several, "97.94 +- 0.12" with the half-width of the mean's 95% interval.
std::string percent(const std::vector<double>& shares);

std::vector<std::string> without(std::vector<std::string> names, const std::vector<std::string>& removed);

/// How the values of one row and variable, one a repeat, are written.
using Written = std::function<std::string(const std::vector<double>&)>;
/// Shares as percent, with the interval of the mean.
std::string as_percent(const std::vector<double>& shares);

/// One row a combination of `dimensions`, one column a variable (name, heading); means over the other dimensions,
/// intervals from the repeats.
Table means_table(const store::Group& group, const std::string& title, const std::vector<std::string>& dimensions,
                  const std::vector<std::pair<std::string, std::string>>& variables,
                  const Written& written = as_percent);

}  // namespace telltale::study
