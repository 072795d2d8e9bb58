// Arrays of float32 in NumPy's format 1.0: numpy.load().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace telltale::store {

struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< row-major
};

/// Publishes `path` atomically. `parts`: the values, row-major, one behind the other.
void write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
               const std::vector<std::span<const float>>& parts);

/// Throws Error for anything but little-endian float32 in C order, of as many values as the shape says.
NpyArray parse_npy(ByteSpan bytes);

}  // namespace telltale::store
