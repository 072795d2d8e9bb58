// JSON values: how settings, plans and passports are described, and the one text form that identities hash.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/identity.h"

namespace telltale {

/// Objects keep their keys sorted, so that one value has one text.
using Json = nlohmann::json;

/// The one text of a value. Numbers that come from a job file must be put in as their decimal text or as exact
/// doubles: the text has the shortest digits that read back as the same double.
inline std::string canonical(const Json& value) { return value.dump(); }

inline Identity identity_of(const Json& value) { return Identity::of(canonical(value)); }

}  // namespace telltale
