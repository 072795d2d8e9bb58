// Arrays of plain numbers with a shape: what tasks return and results files hold.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/bytes.h"

namespace telltale {

enum class DType : std::uint8_t { float32, float64, int32, int64, uint8 };

constexpr std::size_t size_of(DType type) {
  switch (type) {
    case DType::float32:
    case DType::int32: return 4;
    case DType::float64:
    case DType::int64: return 8;
    case DType::uint8: return 1;
  }
  return 0;
}

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::float64;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::int32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::int64;
  else {
    static_assert(std::is_same_v<T, std::uint8_t>, "no such array element");
    return DType::uint8;
  }
}

/// Row-major. A scalar has no dimension and one element. The bits are kept as they are, NaN payloads included.
struct Array {
  DType dtype = DType::float64;
  std::vector<std::int64_t> shape;
  Bytes data;

  template <typename T>
  static Array scalar(T value) {
    return of<T>({}, {&value, 1});
  }

  /// Throws Error unless `shape` holds as many elements as `values`.
  template <typename T>
  static Array of(std::vector<std::int64_t> shape, std::span<const T> values) {
    Array array{dtype_of<T>(), std::move(shape), {}};
    if (array.elements() != values.size()) throw Error("an array's shape does not fit its values");
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    array.data.assign(bytes, bytes + values.size_bytes());
    return array;
  }

  template <typename T>
  static Array of(std::vector<std::int64_t> shape, const std::vector<T>& values) {
    return of<T>(std::move(shape), std::span<const T>(values));
  }

  [[nodiscard]] std::size_t elements() const {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                           [](std::size_t n, std::int64_t d) { return n * static_cast<std::size_t>(d); });
  }

  /// The elements as `T`; throws Error if they are of another type.
  template <typename T>
  [[nodiscard]] std::span<const T> as() const {
    if (dtype != dtype_of<T>()) throw Error("an array was read as another type than it holds");
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }

  bool operator==(const Array&) const = default;
};

}  // namespace telltale
