// What the ranks of `telltale-compute` compute with.
#pragma once

#include "study/computing.h"

namespace telltale::cli {

study::Computing computing();

}  // namespace telltale::cli
