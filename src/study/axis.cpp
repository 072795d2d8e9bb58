#include "study/axis.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>

#include "core/error.h"

namespace telltale::study {
namespace {

constexpr std::size_t most_values = 100'000;  // of one range: more is a typing error, not a study

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// mantissa * 10^-scale, exactly.
struct Decimal {
  std::int64_t mantissa = 0;
  int scale = 0;
};

// Throws InputError for anything but a plain decimal such as -0.0035 or 2e-3 of at most 17 digits.
Decimal parse_decimal(std::string_view text) {
  const auto refuse = [&]() -> Decimal { throw InputError("'" + std::string(text) + "' is not a decimal number"); };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative || (!rest.empty() && rest.front() == '+')) rest.remove_prefix(1);
  Decimal value;
  int digits = 0;
  bool point = false;
  while (!rest.empty() && (rest.front() == '.' || (rest.front() >= '0' && rest.front() <= '9'))) {
    if (rest.front() == '.') {
      if (point) return refuse();
      point = true;
    } else {
      if (++digits > 17) return refuse();
      value.mantissa = value.mantissa * 10 + (rest.front() - '0');
      if (point) ++value.scale;
    }
    rest.remove_prefix(1);
  }
  if (digits == 0) return refuse();
  if (!rest.empty()) {
    if (rest.front() != 'e' && rest.front() != 'E') return refuse();
    rest.remove_prefix(1);
    if (!rest.empty() && rest.front() == '+') rest.remove_prefix(1);
    int exponent = 0;
    const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (status != std::errc() || end != rest.data() + rest.size() || std::abs(exponent) > 300) return refuse();
    value.scale -= exponent;
  }
  if (negative) value.mantissa = -value.mantissa;
  return value;
}

std::int64_t rescaled(const Decimal& value, int scale, std::string_view text) {
  std::int64_t mantissa = value.mantissa;
  for (int s = value.scale; s < scale; ++s)
    if (__builtin_mul_overflow(mantissa, std::int64_t{10}, &mantissa))
      throw InputError("the numbers of the range '" + std::string(text) + "' are too far apart in size");
  return mantissa;
}

std::string decimal_text(std::int64_t mantissa, int scale) {
  std::string digits = std::to_string(std::llabs(mantissa));
  if (scale > 0) {
    if (digits.size() <= static_cast<std::size_t>(scale))
      digits.insert(0, static_cast<std::size_t>(scale) + 1 - digits.size(), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  } else {
    digits.append(static_cast<std::size_t>(-scale), '0');
  }
  return mantissa < 0 ? "-" + digits : digits;
}

void expand_linear(std::string_view range, std::string_view first, std::string_view last, std::string_view step,
                   std::vector<std::string>& values) {
  const Decimal a = parse_decimal(first), b = parse_decimal(last), d = parse_decimal(step);
  const int scale = std::max({a.scale, b.scale, d.scale});
  const std::int64_t begin = rescaled(a, scale, range), end = rescaled(b, scale, range), by = rescaled(d, scale, range);
  if (by == 0) throw InputError("the range '" + std::string(range) + "' has a step of zero");
  if ((by > 0 && begin > end) || (by < 0 && begin < end))
    throw InputError("the range '" + std::string(range) + "' holds no value: its step leads away from its end");
  if (static_cast<std::size_t>((end - begin) / by) >= most_values)
    throw InputError("the range '" + std::string(range) + "' holds more than " + std::to_string(most_values) +
                     " values");
  for (std::int64_t value = begin; by > 0 ? value <= end : value >= end; value += by)
    values.push_back(decimal_text(value, scale));
}

void expand_logarithmic(std::string_view range, std::string_view first, std::string_view last, std::string_view count,
                        std::vector<std::string>& values) {
  const double begin = parse_number(first), end = parse_number(last);
  const long long n = parse_integer(count);
  if (begin <= 0 || end <= 0)
    throw InputError("the logarithmic range '" + std::string(range) + "' needs positive ends");
  if (n < 2 || n > static_cast<long long>(most_values))
    throw InputError("the logarithmic range '" + std::string(range) + "' needs 2 to " + std::to_string(most_values) +
                     " values");
  values.emplace_back(first);
  for (long long i = 1; i + 1 < n; ++i) {
    const double value = begin * std::pow(end / begin, static_cast<double>(i) / static_cast<double>(n - 1));
    char text[32];
    // Six digits: far coarser than the last-bit differences between mathematical libraries.
    const auto [stop, status] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 5);
    const Decimal decimal = parse_decimal({text, static_cast<std::size_t>(stop - text)});
    values.push_back(decimal_text(decimal.mantissa, decimal.scale));
  }
  values.emplace_back(last);
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  if (trim(text).empty()) throw InputError("no value is given");
  const std::string whole(trim(text));
  std::vector<std::string> items;
  for (;;) {
    const auto comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    if (item.empty()) throw InputError("the list '" + whole + "' has an empty item");
    items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> expand_numbers(std::string_view text) {
  std::vector<std::string> values;
  for (const std::string& item : split_list(text)) {
    const std::string_view view = item;
    const auto one = view.find(':');
    if (one == std::string_view::npos) {
      parse_number(view);
      values.push_back(item);
      continue;
    }
    const auto two = view.find(':', one + 1);
    if (two == std::string_view::npos || view.find(':', two + 1) != std::string_view::npos)
      throw InputError("'" + item + "' is no range: first:last:step or first:last:logN expected");
    const std::string_view first = trim(view.substr(0, one)), last = trim(view.substr(one + 1, two - one - 1));
    std::string_view step = trim(view.substr(two + 1));
    if (step.starts_with("log"))
      expand_logarithmic(view, first, last, step.substr(3), values);
    else
      expand_linear(view, first, last, step, values);
  }
  std::set<double> seen;
  for (const std::string& value : values)
    if (!seen.insert(parse_number(value)).second) throw InputError("the value " + value + " stands twice");
  return values;
}

double parse_number(std::string_view text) {
  double value = 0;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (status != std::errc() || end != digits.data() + digits.size() || digits.empty() || !std::isfinite(value))
    throw InputError("'" + std::string(text) + "' is not a number");
  return value;
}

long long parse_integer(std::string_view text) {
  long long value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || text.empty())
    throw InputError("'" + std::string(text) + "' is not a whole number");
  return value;
}

}  // namespace telltale::study
