// How far apart the answers of machines lie to the same questions of the same model: what Schloegl, Hofer and Boehme
// 2023 compare machines by. Nothing here needs LibTorch, and every figure is the same bits wherever it is computed.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/array.h"
#include "models/network_spec.h"

namespace telltale::forensics {

/// The ULP distance of values that no count of steps connects: NaN against a number; and of all that is farther.
inline constexpr std::int64_t farthest = std::numeric_limits<std::int64_t>::max();

/// How many steps from one representable value to the next lead from `a` to `b`; the two zeros are one value, and so
/// are all NaN.
std::int64_t ulp_distance(float a, float b);
std::int64_t ulp_distance(double a, double b);
/// The same in steps of bfloat16, for such values held as floats.
std::int64_t ulp_distance_bfloat16(float a, float b);

/// Bits of a precision's significand, the leading one counted: 24, 53, 8.
int significant_bits(models::Precision precision);

/// What lies between the answers of two machines.
struct Distance {
  std::int64_t differing_images = 0;  ///< of which any logit differs in any bit
  std::int64_t max_ulp = 0;           ///< the largest of all logits, in the precision's steps
  double remaining_bits = 0;  ///< -log2 of the largest relative deviation; significant_bits() where all are equal
  std::int64_t label_disagreements = 0;  ///< images that are given different labels

  bool operator==(const Distance&) const = default;
};

/// A machine's answers: logits, images x classes (float64 for float64, else float32), and a label for each image.
struct Answers {
  const Array& logits;
  std::span<const std::int32_t> labels;
};

/// The relative deviation of two logits is |a - b| / max(|a|, |b|): 0 if equal, 2 at most; a NaN or an infinity leaves
/// no bit in common with anything else. Throws Error if shapes or types differ.
Distance distance_between(const Answers& a, const Answers& b, models::Precision precision);

/// Which arrays are the same bits: for each the position of the first one that is (its own if none is before it), so
/// that equal numbers fall together; -1 for nullptr. The one meaning of every `equivalence_class` in results files.
inline constexpr const char* equivalence_class_help =
    "position of the first machine with the same bits: equal numbers fall together; -1 while missing";
std::vector<std::int32_t> equivalence_classes(const std::vector<const Array*>& arrays);

/// The first row in which two arrays (layers x images) differ; -1 if none. Throws Error if shapes or types differ.
std::int32_t first_deviation(const Array& a, const Array& b);

/// Two clusters made one. Items are the clusters 0 .. n-1; merge i makes cluster n + i (as in SciPy's linkage matrix).
struct Merge {
  std::int32_t first = 0, second = 0;  ///< first < second
  double height = 0;                   ///< mean distance of their items
  std::int32_t size = 0;               ///< items in both
  bool operator==(const Merge&) const = default;
};

struct Dendrogram {
  std::vector<Merge> merges;         ///< n - 1, by height
  std::vector<std::int32_t> leaves;  ///< the items from left to right, so that no branches cross
};

/// Average linkage (UPGMA; Sokal and Michener 1958) of `count` items with a symmetric matrix of distances, row-major.
/// Of several nearest pairs the one with the smallest numbers is merged first. Throws Error if the matrix is of another
/// size.
Dendrogram average_linkage(std::span<const double> distances, std::size_t count);

}  // namespace telltale::forensics
