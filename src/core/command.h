// Other programs: started without a shell, with a time limit.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace telltale {

struct CommandResult {
  int exit_code = 0;   ///< 128 + signal, if one ended it
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};

/// Runs a program, found along PATH, to its end. `variables` ("NAME=value") are added to the environment. It is killed
/// when it takes longer than `limit`, or when `given_up()` says so, which is asked some ten times a second; then, and
/// if it cannot be started, Error is thrown, naming it.
CommandResult run_command(const std::vector<std::string>& words, const std::vector<std::string>& variables,
                          std::chrono::milliseconds limit, const std::function<bool()>& given_up = {});

}  // namespace telltale
