// Small helpers for text that people read.
#pragma once

#include <string>
#include <vector>

namespace telltale {

/// "a, b, c".
inline std::string joined(const std::vector<std::string>& words, const std::string& between = ", ") {
  std::string text;
  for (const std::string& word : words) {
    if (&word != words.data()) text += between;
    text += word;
  }
  return text;
}

}  // namespace telltale
