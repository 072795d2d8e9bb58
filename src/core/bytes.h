// Flat byte strings and the fixed little-endian encoding that messages and journal records share.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/error.h"

namespace telltale {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

static_assert(std::endian::native == std::endian::little, "records are written as they lie in memory: little-endian");

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// What a pointer (plain, shared, optional) to bytes points to, or no bytes.
template <typename Pointer>
ByteSpan bytes_or_none(const Pointer& bytes) {
  return bytes ? ByteSpan(*bytes) : ByteSpan();
}

inline std::string_view as_text(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

template <typename T>
concept Plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;

/// Appends plain values and length-prefixed blocks to a byte string.
class ByteWriter {
 public:
  template <Plain T>
  ByteWriter& put(T value) {
    return raw({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }

  /// A block is its length (64 bit) and its bytes.
  ByteWriter& block(ByteSpan bytes) {
    put<std::uint64_t>(bytes.size());
    return raw(bytes);
  }

  ByteWriter& text(std::string_view value) { return block(as_bytes(value)); }

  ByteWriter& raw(ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  void reserve(std::size_t size) { bytes_.reserve(size); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// Reads what ByteWriter wrote; throws Error when the bytes end too early.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  template <Plain T>
  T get() {
    T value;
    std::memcpy(&value, raw(sizeof value).data(), sizeof value);
    return value;
  }

  ByteSpan block() { return raw(get<std::uint64_t>()); }
  std::string text() { return std::string(as_text(block())); }

  ByteSpan raw(std::uint64_t size) {
    if (size > rest_.size()) throw Error("a record ends too early");
    const ByteSpan taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  [[nodiscard]] ByteSpan rest() const { return rest_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  ByteSpan rest_;
};

}  // namespace telltale
