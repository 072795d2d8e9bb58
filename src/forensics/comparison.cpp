#include "forensics/comparison.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/error.h"
#include "core/exact_math.h"

namespace telltale::forensics {
namespace {

// Integers in the order of the floats: neighbours differ by 1, and both zeros are 0.
template <typename Signed, typename Float>
Signed ordered(Float value) {
  const auto bits = std::bit_cast<Signed>(value);
  return bits >= 0 ? bits : std::numeric_limits<Signed>::min() - bits;
}

template <typename Signed, typename Float>
std::int64_t steps_between(Float a, Float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : farthest;
  const std::int64_t x = ordered<Signed>(a), y = ordered<Signed>(b);
  const auto difference = static_cast<std::uint64_t>(std::max(x, y)) - static_cast<std::uint64_t>(std::min(x, y));
  return static_cast<std::int64_t>(std::min<std::uint64_t>(difference, farthest));
}

// 0 for equal numbers, 2 for those without a bit in common.
double relative_deviation(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return 2;
  const double scale = std::max(std::abs(a), std::abs(b));
  return std::abs(a / scale - b / scale) > 1 ? 2 : std::abs(a - b) / scale;
}

template <typename Float>
Distance logits_distance(const Array& a, const Array& b, models::Precision precision) {
  const auto x = a.as<Float>(), y = b.as<Float>();
  const auto classes = static_cast<std::size_t>(a.shape.at(1));
  const int significant = significant_bits(precision);
  Distance distance;
  double largest = 0;
  for (std::size_t row = 0; row < x.size(); row += classes) {
    if (std::equal(a.data.begin() + static_cast<std::ptrdiff_t>(row * sizeof(Float)),
                   a.data.begin() + static_cast<std::ptrdiff_t>((row + classes) * sizeof(Float)),
                   b.data.begin() + static_cast<std::ptrdiff_t>(row * sizeof(Float))))
      continue;
    ++distance.differing_images;
    for (std::size_t i = row; i < row + classes; ++i) {
      std::int64_t steps = 0;
      if constexpr (sizeof(Float) == sizeof(float))
        steps = precision == models::Precision::bfloat16 ? ulp_distance_bfloat16(x[i], y[i]) : ulp_distance(x[i], y[i]);
      else
        steps = ulp_distance(x[i], y[i]);
      distance.max_ulp = std::max(distance.max_ulp, steps);
      largest = std::max(largest, relative_deviation(x[i], y[i]));
    }
  }
  distance.remaining_bits =
      largest == 0 ? significant : std::clamp(-exact::log2(largest), 0.0, static_cast<double>(significant));
  return distance;
}

void require_alike(const Array& a, const Array& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.shape.size() != 2)
    throw Error("answers of different types or shapes are compared");
}

// The items of a cluster from left to right.
void append_leaves(const std::vector<Merge>& merges, std::size_t count, std::size_t cluster,
                   std::vector<std::int32_t>& leaves) {
  if (cluster < count) {
    leaves.push_back(static_cast<std::int32_t>(cluster));
    return;
  }
  const Merge& merge = merges[cluster - count];
  append_leaves(merges, count, static_cast<std::size_t>(merge.first), leaves);
  append_leaves(merges, count, static_cast<std::size_t>(merge.second), leaves);
}

}  // namespace

std::int64_t ulp_distance(float a, float b) { return steps_between<std::int32_t>(a, b); }
std::int64_t ulp_distance(double a, double b) { return steps_between<std::int64_t>(a, b); }

std::int64_t ulp_distance_bfloat16(float a, float b) {
  const std::int64_t steps = ulp_distance(a, b);
  return steps == farthest ? farthest : steps >> 16;  // a bfloat16 is a float's upper half
}

int significant_bits(models::Precision precision) {
  switch (precision) {
    case models::Precision::float32: return 24;
    case models::Precision::float64: return 53;
    case models::Precision::bfloat16: return 8;
  }
  throw Error("there is no such precision");
}

Distance distance_between(const Answers& a, const Answers& b, models::Precision precision) {
  require_alike(a.logits, b.logits);
  const auto images = static_cast<std::size_t>(a.logits.shape[0]);
  if (a.labels.size() != images || b.labels.size() != images) throw Error("answers need one label for each image");
  Distance distance = precision == models::Precision::float64 ? logits_distance<double>(a.logits, b.logits, precision)
                                                              : logits_distance<float>(a.logits, b.logits, precision);
  for (std::size_t i = 0; i < images; ++i) distance.label_disagreements += a.labels[i] != b.labels[i];
  return distance;
}

std::vector<std::int32_t> equivalence_classes(const std::vector<const Array*>& arrays) {
  std::vector<std::int32_t> classes;
  std::vector<std::size_t> firsts;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i] == nullptr) {
      classes.push_back(-1);
      continue;
    }
    const auto same =
        std::find_if(firsts.begin(), firsts.end(), [&](std::size_t first) { return *arrays[first] == *arrays[i]; });
    classes.push_back(static_cast<std::int32_t>(same == firsts.end() ? i : *same));
    if (same == firsts.end()) firsts.push_back(i);
  }
  return classes;
}

std::int32_t first_deviation(const Array& a, const Array& b) {
  require_alike(a, b);
  const std::size_t row = static_cast<std::size_t>(a.shape[1]) * size_of(a.dtype);
  for (std::int64_t layer = 0; layer < a.shape[0]; ++layer) {
    const auto begin = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(layer) * row);
    if (!std::equal(a.data.begin() + begin, a.data.begin() + begin + static_cast<std::ptrdiff_t>(row),
                    b.data.begin() + begin))
      return static_cast<std::int32_t>(layer);
  }
  return -1;
}

Dendrogram average_linkage(std::span<const double> distances, std::size_t count) {
  if (distances.size() != count * count) throw Error("a dendrogram needs the distances of every pair");
  Dendrogram dendrogram;
  const std::size_t clusters = count == 0 ? 0 : 2 * count - 1;
  std::vector<double> between(clusters * clusters);
  std::vector<std::int32_t> sizes(clusters, 1);
  std::vector<std::size_t> active;
  for (std::size_t i = 0; i < count; ++i) {
    active.push_back(i);
    for (std::size_t j = 0; j < count; ++j) between[i * clusters + j] = distances[i * count + j];
  }
  for (std::size_t made = count; made < clusters; ++made) {
    std::size_t first = active[0], second = active[1];
    for (std::size_t i = 0; i < active.size(); ++i)
      for (std::size_t j = i + 1; j < active.size(); ++j)
        if (between[active[i] * clusters + active[j]] < between[first * clusters + second]) {
          first = active[i];
          second = active[j];
        }
    sizes[made] = sizes[first] + sizes[second];
    dendrogram.merges.push_back({static_cast<std::int32_t>(first), static_cast<std::int32_t>(second),
                                 between[first * clusters + second], sizes[made]});
    std::erase_if(active, [&](std::size_t cluster) { return cluster == first || cluster == second; });
    for (const std::size_t other : active) {
      const double mean =
          (sizes[first] * between[first * clusters + other] + sizes[second] * between[second * clusters + other]) /
          sizes[made];
      between[made * clusters + other] = between[other * clusters + made] = mean;
    }
    active.push_back(made);
  }
  if (count > 0) append_leaves(dendrogram.merges, count, clusters - 1, dendrogram.leaves);
  return dendrogram;
}

}  // namespace telltale::forensics
