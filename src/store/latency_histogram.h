// A median of very many durations in bounded memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace telltale::store {

/// Buckets of a sixteenth of a power of two: at most 1/16 wide.
class LatencyHistogram {
 public:
  void add(std::chrono::nanoseconds latency) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
    ++counts_[bucket_of(ns)];
    ++total_;
  }

  [[nodiscard]] double median_s() const {
    if (total_ == 0) return 0;
    std::uint64_t below = 0;
    std::size_t bucket = 0;
    while ((below += counts_[bucket]) * 2 < total_) ++bucket;
    return middle_ns(bucket) * 1e-9;
  }

 private:
  static constexpr int fine_bits = 4;
  static constexpr std::uint64_t fine = 1 << fine_bits;

  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < fine) return static_cast<std::size_t>(ns);
    const int shift = static_cast<int>(std::bit_width(ns)) - 1 - fine_bits;
    return static_cast<std::size_t>(static_cast<std::uint64_t>(shift) * fine + (ns >> shift));
  }

  static double middle_ns(std::size_t bucket) {
    if (bucket < 2 * fine) return static_cast<double>(bucket);
    const std::size_t shift = bucket / fine - 1;
    return (static_cast<double>(bucket % fine + fine) + 0.5) * static_cast<double>(std::uint64_t{1} << shift);
  }

  std::array<std::uint64_t, (64 - fine_bits + 1) * fine> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace telltale::store
