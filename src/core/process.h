// What a process knows of itself: its host.
#pragma once

#include <string>

namespace telltale {

/// "unknown" where the system does not say.
std::string host_name();

}  // namespace telltale
