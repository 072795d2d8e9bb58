// Identities: SHA-256 of everything that determines a task, an artifact, a data set or an environment.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace telltale {

/// 256 bits that name a thing by what determines it: never by rank, order or time.
class Identity {
 public:
  static constexpr std::size_t size = 32;

  Identity() = default;
  explicit Identity(const std::array<std::uint8_t, size>& bytes) : bytes_(bytes) {}

  /// SHA-256 of `content`.
  static Identity of(ByteSpan content);
  static Identity of(std::string_view content) { return of(as_bytes(content)); }

  /// Throws Error unless `hex` is 64 hexadecimal digits.
  static Identity from_hex(std::string_view hex);
  static Identity from_bytes(ByteSpan bytes);

  [[nodiscard]] std::string hex() const;
  /// The first 12 hexadecimal digits: for messages and tables, never for comparison.
  [[nodiscard]] std::string brief() const { return hex().substr(0, 12); }
  [[nodiscard]] ByteSpan bytes() const { return bytes_; }

  auto operator<=>(const Identity&) const = default;

 private:
  std::array<std::uint8_t, size> bytes_{};
};

/// Incremental SHA-256, for content too large to hold.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& update(ByteSpan bytes);
  Hasher& update(std::string_view text) { return update(as_bytes(text)); }
  [[nodiscard]] Identity finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of a file's bytes; throws Error when it cannot be read.
Identity hash_file(const std::string& path);

}  // namespace telltale

template <>
struct std::hash<telltale::Identity> {
  std::size_t operator()(const telltale::Identity& identity) const noexcept {
    std::size_t value;
    std::memcpy(&value, identity.bytes().data(), sizeof value);
    return value;
  }
};
