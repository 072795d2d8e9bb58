// Eight floats as one vector, for arithmetic of our own.
//
// Each lane is computed by itself, so the bits are those of eight separate floats, whatever vectors the CPU has. How
// vectors are passed differs between CPUs: functions that take any are inlined.
#pragma once

#include <cstdint>
#include <cstring>

#define TELLTALE_INLINE inline __attribute__((always_inline))

#pragma GCC diagnostic ignored "-Wpsabi"  // of functions that are inlined

namespace telltale::models {

inline constexpr int lanes = 8;
using Lanes = float __attribute__((vector_size(lanes * sizeof(float))));
using Places = std::int32_t __attribute__((vector_size(lanes * sizeof(float))));

TELLTALE_INLINE Lanes load(const float* from) {
  Lanes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T, typename Vector>
TELLTALE_INLINE void store(T* to, const Vector& value) {
  std::memcpy(to, &value, sizeof value);
}

/// The next multiple of eight.
constexpr std::int64_t padded(std::int64_t count) { return (count + lanes - 1) / lanes * lanes; }

}  // namespace telltale::models
