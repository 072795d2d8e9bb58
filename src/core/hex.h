// Bytes as hexadecimal digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace telltale {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// Two lower-case digits a byte, the high one first.
std::string to_hex(ByteSpan bytes);

/// The bytes that such a text stands for (capital letters too); nothing if it is none.
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace telltale
