// The keys of a job file: type, range, default and help of each, in groups that the experiments list. Parsing,
// checking,
// `--help` and the reference page are all made from them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/parameter.h"

namespace telltale::study {

/// The keys of the studies of one experiment, in the order in which help and documentation show them, and axes vary.
/// Throws InputError, naming those that there are, if there is no such experiment.
const std::vector<ParameterGroup>& keys_of(const std::string& experiment);

/// nullptr if the experiment has none of that name. Underscores and dashes are the same.
const Parameter* find_key(const std::string& experiment, std::string_view name);

/// The experiments that have such a key; none if it is unknown.
std::vector<std::string> experiments_with(std::string_view name);

/// Every key that any experiment has, with the experiments that have it so; one that experiments have with other
/// defaults or another meaning stands there for each.
struct SharedParameter {
  const Parameter* parameter;
  std::string group;  ///< title of its group
  std::vector<std::string> experiments;
};
const std::vector<SharedParameter>& all_keys();

/// The reference of all keys as Markdown tables: docs/job-files.md holds it.
std::string reference_of_keys();

/// The known key most like an unknown one, if one is like it.
std::optional<std::string> similar_key(std::string_view name);

// The groups that every experiment has, defined by the engine.
const ParameterGroup& study_keys();  ///< what is studied, seed, repeats
const ParameterGroup& data_keys();   ///< where images come from, of experiments that need any
const ParameterGroup& run_keys();    ///< how it runs: may differ at every start

}  // namespace telltale::study
