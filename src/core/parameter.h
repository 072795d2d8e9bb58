// What a setting is that a job file can give: type, range, default and help of one key.
#pragma once

#include <string>
#include <vector>

namespace telltale {

enum class ValueType { text, choice, integer, number, flag };

/// How a key's values become axes of the study.
enum class AxisRule {
  never,    ///< one value only
  allowed,  ///< a dimension of the results when it has several values
  always,   ///< a dimension of the results even with one value
};

/// Whether a key decides results. Operational keys may change between a start and its resumption.
enum class Role { scientific, operational };

/// Larger than any count or seed that a key may have.
inline constexpr double most_of_a_count = 1e9;

/// A key of a job file.
struct Parameter {
  std::string name;  ///< as typed: `prune-rate`; job files may write `prune_rate` too
  ValueType type;
  std::string fallback;  ///< the default, as it would be typed; empty: required, or off where `optional`
  std::string help;
  AxisRule axis = AxisRule::never;
  std::vector<std::string> choices = {};  ///< of a choice
  double least = 0;                       ///< smallest value of a number or integer
  double most = 0;                        ///< largest value
  bool optional = false;                  ///< may stay empty
  bool list = false;                      ///< a list that is one setting (not an axis): `profiles`, `lr-milestones`
  std::string dimension = {};             ///< its dimension in the results, where that is not the name with underscores
  Role role = Role::scientific;
  std::string field = {};  ///< its field in a task's payload, where that is not the name with underscores
  bool omitted_at_default = false;  ///< it came after tasks had been named, which have no such field

  /// "integer, 1 to 100000", "one of sgd, adam": for help and messages.
  [[nodiscard]] std::string type_text() const;
  /// The name of its dimension in the results.
  [[nodiscard]] std::string dimension_name() const;
  /// The name of its field in a payload.
  [[nodiscard]] std::string field_name() const;
};

/// Parameters that belong together, as help and documentation show them.
struct ParameterGroup {
  std::string title;
  std::vector<Parameter> parameters;
};

}  // namespace telltale
