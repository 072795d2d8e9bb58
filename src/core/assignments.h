// Files of `key = value` lines: job files, site files.
#pragma once

#include <string>
#include <vector>

namespace telltale {

struct Assignment {
  std::string section;  ///< "node haswell" for what stands below [node haswell]; empty above the first
  std::string key;      ///< as typed; empty: the section begins here
  std::string value;
  int line;  ///< of the file as written, counted from 1
};

/// Takes a file's text apart, in its order. `name` stands in messages. Throws InputError, with the line, for text that
/// is not UTF-8 and for a line that is neither an assignment, a comment, empty nor, where `sections` are allowed, a
/// section.
std::vector<Assignment> parse_assignments(const std::string& text, const std::string& name, bool sections);

}  // namespace telltale
