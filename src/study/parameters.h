// The keys of a job file: one table with type, range, default and help, from which parsing, checking, `--help` and the
// reference page are all made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::study {

enum class ValueType { text, choice, integer, number, flag };

/// How a key's values become axes of the study.
enum class AxisRule {
  never,    ///< one value only
  allowed,  ///< a dimension of the results when it has several values
  always,   ///< a dimension of the results even with one value
};

/// Whether a key decides results. Operational keys may change between a start and its resumption.
enum class Role { scientific, operational };

struct Parameter {
  std::string key;  ///< as typed: `prune-rate`; job files may write `prune_rate` too
  ValueType type;
  std::string fallback;  ///< the default, as it would be typed; empty: required, or off where `optional`
  std::string help;
  AxisRule axis = AxisRule::never;
  Role role = Role::scientific;
  std::vector<std::string> choices = {};  ///< of a choice
  double least = 0;                       ///< smallest value of a number or integer
  double most = 0;                        ///< largest value
  bool optional = false;                  ///< may stay empty
  bool list = false;  ///< a list that is one setting (not an axis): `profiles`, `lr-milestones`, `prune-rate`

  /// "integer, 1 to 100000", "one of sgd, adam": for help and messages.
  [[nodiscard]] std::string type_text() const;
  /// The name of its dimension in the results: the key with underscores.
  [[nodiscard]] std::string dimension() const;
};

/// Every key there is, in the order in which help and documentation show them.
const std::vector<Parameter>& parameters();

/// The reference of all keys as Markdown tables: docs/job-files.md holds it.
std::string reference();

/// nullptr if there is none. Underscores and dashes are the same.
const Parameter* find_parameter(std::string_view key);

/// The known key most like an unknown one, if one is like it.
std::optional<std::string> similar_key(std::string_view key);

}  // namespace telltale::study
