// What the LibTorch of this process says of itself, for its passport.
#pragma once

#include "forensics/passport.h"

namespace telltale::forensics {

LibTorch loaded_libtorch();

}  // namespace telltale::forensics
