// Shares of a count, as a person means them who writes a decimal: 0.29 of 100 is 29, though the product is 28.999...
#pragma once

#include <cstdint>

namespace telltale::watermark {

/// The whole number nearest to share x count, a half rounded up. A product within a few units in the last place of a
/// half or a whole counts as that. `share` is at least 0.
std::int64_t nearest_of(double share, std::int64_t count);

/// The largest whole number that is not above share x count, with the same tolerance.
std::int64_t floor_of(double share, std::int64_t count);

/// How many of `count` images a share `alpha` of them selects; throws InputError if none.
std::int64_t images_selected(double alpha, std::int64_t count);

}  // namespace telltale::watermark
