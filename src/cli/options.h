// What all commands share: reading a command line that may override any key of a job file.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace telltale::cli {

/// A command line taken apart. Throws InputError for an unknown option or a missing or superfluous argument.
struct Options {
  std::string argument;  ///< the job file or the results file
  std::string second_argument;
  std::vector<std::pair<std::string, std::string>> values;  ///< the command's own options
  std::vector<std::pair<std::string, std::string>> keys;    ///< keys of the job file
  bool help = false;

  [[nodiscard]] std::optional<std::string> value(const std::string& name) const;
  /// An own option as a number. Throw InputError, naming the option, if it is none.
  [[nodiscard]] double number(const std::string& name, double fallback) const;
  [[nodiscard]] long long whole_number(const std::string& name, long long fallback) const;
  /// One that is above 0 and at most `most`; the refusal says `unit`.
  [[nodiscard]] double number_above_0(const std::string& name, double fallback, double most, const char* unit) const;
};

struct OwnOption {
  const char* name;  ///< with its letter, as Boost writes it: "output,o"
  const char* help;
  bool takes_value = true;
};

struct Shape {
  const char* command;
  const char* argument;  ///< "JOB", "RESULTS"; nullptr if there is none
  bool argument_required = true;
  std::vector<OwnOption> own;
  bool takes_keys = false;                ///< every key of the job file is an option too
  const char* second_argument = nullptr;  ///< required if there is one
  bool logs = false;                      ///< --log-level and --log-file: see start_log()
};

Options parse(const Arguments& arguments, const Shape& shape);
/// The help text of a command: types, ranges and defaults of all its options.
std::string help_text(const Shape& shape);

/// Starts this rank's log as the options of a command that `logs` say; to be called after take_profile(). Throws
/// InputError for an unknown level and for a file that cannot be written.
void start_log(const Options& options);

/// "1:02:03" or "2:03".
std::string duration_text(double seconds);

}  // namespace telltale::cli
