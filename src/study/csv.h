// Comma-separated values (RFC 4180), a line at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::study {

/// The fields as one line without its end, quoted where they need it.
std::string csv_line(const std::vector<std::string>& fields);

/// The fields of one line, trimmed of blanks unless quoted. Throws InputError for a quote that does not end, or that
/// something follows.
std::vector<std::string> split_csv_line(std::string_view line);

}  // namespace telltale::study
