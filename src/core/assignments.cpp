#include "core/assignments.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>

#include "core/error.h"
#include "core/hex.h"
#include "core/utf8.h"

namespace telltale {
namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

std::string at_line(const std::string& name, std::ptrdiff_t line) { return name + ":" + std::to_string(line) + ": "; }

}  // namespace

std::vector<Assignment> parse_assignments(const std::string& text, const std::string& name, bool sections) {
  namespace po = boost::program_options;
  if (const auto bad = first_not_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    throw InputError(at_line(name, line) + "the byte 0x" + to_hex(as_bytes(text).subspan(*bad, 1)) +
                     " is not UTF-8: save the file as UTF-8");
  }
  // Boost reports no line numbers: a look at each line for itself supplies them, and which section it stands in.
  std::vector<Assignment> found;
  std::vector<std::size_t> places;  // in `found`, of what Boost will find
  std::string section, assignments;
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::string bare = trimmed(line.substr(0, line.find('#')));
    if (bare.empty()) continue;
    if (sections && bare.front() == '[' && bare.back() == ']') {
      section = trimmed(std::string_view(bare).substr(1, bare.size() - 2));
      found.push_back({section, "", "", number});
      continue;
    }
    if (bare.find('=') == std::string::npos || bare.front() == '=' || bare.front() == '[')
      throw InputError(at_line(name, number) + "a line must be `key = value`, " + (sections ? "a [section], " : "") +
                       "a comment, or empty");
    places.push_back(found.size());
    found.push_back({section, "", "", number});
    assignments += line + "\n";
  }
  po::options_description none;
  std::istringstream lines(assignments);
  try {
    std::size_t number = 0;
    for (const auto& option : po::parse_config_file(lines, none, /*allow_unregistered=*/true).options) {
      Assignment& one = found[places.at(number++)];
      one.key = option.string_key;
      if (!option.value.empty()) one.value = option.value.front();
    }
  } catch (const po::error& error) {
    throw InputError(name + ": " + error.what());
  }
  return found;
}

}  // namespace telltale
