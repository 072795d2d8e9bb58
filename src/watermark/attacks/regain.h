// What regaining and its planning have in common.
#pragma once

#include <cstdint>

namespace telltale::watermark {

/// How often a thief labels images anew by his own network's sure answers.
inline constexpr std::int64_t regain_rounds = 3;

}  // namespace telltale::watermark
