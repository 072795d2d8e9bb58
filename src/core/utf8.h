// Whether bytes are text.
#pragma once

#include <optional>
#include <string_view>

namespace telltale {

/// Where `text` stops being UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF); nothing if it never does.
std::optional<std::size_t> first_not_utf8(std::string_view text);

}  // namespace telltale
