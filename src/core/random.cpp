#include "core/random.h"

#include <array>
#include <numeric>
#include <utility>

namespace telltale {
namespace {

std::mt19937_64 engine_for(const Identity& key) {
  std::array<std::uint32_t, Identity::size / 4> words;
  std::memcpy(words.data(), key.bytes().data(), Identity::size);
  std::seed_seq sequence(words.begin(), words.end());
  return std::mt19937_64(sequence);
}

}  // namespace

Identity Stream::key_of(std::uint64_t study_seed, const Json& coordinates, std::string_view purpose) {
  return identity_of(Json::array({study_seed, coordinates, purpose}));
}

Identity Stream::key_of(const Identity& parent, std::string_view purpose) {
  return identity_of(Json::array({parent.hex(), purpose}));
}

Stream::Stream(std::uint64_t study_seed, const Json& coordinates, std::string_view purpose)
    : Stream(key_of(study_seed, coordinates, purpose)) {}

Stream::Stream(const Identity& key) : key_(key), engine_(engine_for(key)) {}

Stream Stream::derive(std::string_view purpose) const { return Stream(key_of(key_, purpose)); }

std::uint64_t Stream::below(std::uint64_t bound) {
  // Rejection on the top of the range; `limit` is the largest multiple of `bound` that fits.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t draw;
  do draw = engine_();
  while (draw >= limit);
  return draw % bound;
}

// True with probability exp(-exponent), 0 <= exponent <= 1: the length of the run exponent > u1 > u2 > ... is even
// with exactly that probability (von Neumann 1951).
bool Stream::bernoulli_exp(double exponent) {
  bool even = true;
  double previous = exponent;
  for (;;) {
    const double u = uniform();
    if (u >= previous) return even;
    previous = u;
    even = !even;
  }
}

double Stream::normal() {
  // Karney 2016, "Sampling exactly from the normal distribution", Algorithm N.
  for (;;) {
    int k = 0;  // N1: P(k) proportional to exp(-k / 2)
    while (bernoulli_exp(0.5)) ++k;
    bool accepted = true;  // N2: accept with probability exp(-k (k - 1) / 2)
    for (int i = 0; i < k * (k - 1) && accepted; ++i) accepted = bernoulli_exp(0.5);
    if (!accepted) continue;
    const double x = uniform();  // N3
    // N4: accept with probability exp(-x (2k + x) / 2), as k + 1 trials whose exponents are at most 1
    const double part = x * (2 * k + x) / (2 * (k + 1));
    for (int i = 0; i <= k && accepted; ++i) accepted = bernoulli_exp(part);
    if (!accepted) continue;
    const double magnitude = k + x;  // N5, N6
    return engine_() >> 63 ? -magnitude : magnitude;
  }
}

std::vector<std::int64_t> Stream::permutation(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

}  // namespace telltale
