// The two kinds of failure that Telltale reports. Library code throws; only the commands print.
#pragma once

#include <stdexcept>
#include <string>

namespace telltale {

/// Something that was attempted and could not be done: the message says what, on which object, and why.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The input cannot be used as it is (job file, data file, command line): found before any work starts, exit code 2.
class InputError : public Error {
 public:
  using Error::Error;
};

}  // namespace telltale
