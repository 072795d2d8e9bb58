// Random streams keyed by what they are for: a draw never depends on rank, order, time or CPU.
//
// Samplers use exact IEEE operations only (no libm call), so that the same stream gives the same bits on every CPU.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace telltale {

/// A stream of random numbers: std::mt19937_64 (fixed bit for bit by the C++ standard) keyed by SHA-256.
class Stream {
 public:
  /// Streams of different (seed, coordinates, purpose) are independent; the same three give the same draws everywhere.
  Stream(std::uint64_t study_seed, const Json& coordinates, std::string_view purpose);
  explicit Stream(const Identity& key);

  /// The keys alone, without the cost of a stream: of these three, and of what derive() gives.
  static Identity key_of(std::uint64_t study_seed, const Json& coordinates, std::string_view purpose);
  static Identity key_of(const Identity& parent, std::string_view purpose);

  /// A stream of its own, a function of this stream's key (not of what was drawn from it) and `purpose`.
  [[nodiscard]] Stream derive(std::string_view purpose) const;
  [[nodiscard]] const Identity& key() const { return key_; }

  std::uint64_t bits() { return engine_(); }
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in {0, ..., bound - 1}, without bias; `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal, sampled exactly by comparing uniforms only: Karney 2016, Algorithm N.
  double normal();

  /// A uniformly random order of 0 .. count-1 (Fisher-Yates).
  std::vector<std::int64_t> permutation(std::int64_t count);

 private:
  bool bernoulli_exp(double exponent);

  Identity key_;
  std::mt19937_64 engine_;
};

}  // namespace telltale
