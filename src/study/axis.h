// Values of a job file's keys: lists and ranges, kept as decimal text so that 0.01 is the double 0.01.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::study {

/// Splits at commas and trims. Throws InputError for an empty list or an empty item ("0.1,,0.2").
std::vector<std::string> split_list(std::string_view text);

/// Expands every item of a list of numbers:
///   0.001:0.01:0.001   first:last:step, both ends included when the step meets them (ten values here, the last
///                      exactly the double 0.01: the arithmetic is decimal)
///   0.0001:0.01:log5   five values evenly spaced in the logarithm, rounded to six significant digits; exact ends
///   0.5                one value
/// Returns the decimal texts in their order. Throws InputError for what is no number, a range that holds no value, or
/// a value that stands twice.
std::vector<std::string> expand_numbers(std::string_view text);

/// The double nearest to a decimal text. Throws InputError unless the whole text is one finite number.
double parse_number(std::string_view text);

/// Throws InputError unless the whole text is one integer that fits.
long long parse_integer(std::string_view text);

}  // namespace telltale::study
