// What an action is refused with, for tests.
#pragma once

#include <functional>
#include <string>

#include "core/error.h"

namespace telltale {

/// The message of the error that the action ends with; "accepted" if it ends well. Another type of error is let
/// through.
template <typename Refusal = InputError>
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Refusal& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace telltale
