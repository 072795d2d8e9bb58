// Which program wrote a file.
#pragma once

#include <string>

namespace telltale::study {

std::string program_version();
/// Commit and whether the tree was clean when it was built: recorded, and no part of any identity.
std::string git_state();

}  // namespace telltale::study
