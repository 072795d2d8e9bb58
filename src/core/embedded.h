// Files of the repository that are in the program (cmake/EmbedFiles.cmake).
#pragma once

#include <string>
#include <vector>

namespace telltale {

struct EmbeddedFile {
  std::string name;  ///< without its folder
  std::string text;
};

}  // namespace telltale
