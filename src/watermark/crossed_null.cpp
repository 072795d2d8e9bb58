#include "watermark/crossed_null.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"

namespace telltale::watermark {
namespace {

constexpr int resamples = 2000;
constexpr double tail = 0.025;

std::vector<std::size_t> drawn(std::size_t count, Stream& draws) {
  std::vector<std::size_t> places(count);
  for (std::size_t& place : places) place = static_cast<std::size_t>(draws.below(count));
  return places;
}

double square(double x) { return x * x; }

}  // namespace

CrossedNull crossed_null(std::span<const double> scores, std::size_t networks, std::size_t keys, Stream draws) {
  if (networks < 2 || keys < 2 || scores.size() != networks * keys)
    throw Error("a crossed null has two networks and two keys at least, and a score of each pair");
  const auto n = static_cast<double>(networks), k = static_cast<double>(keys);
  std::vector<double> of_network(networks, 0), of_key(keys, 0);
  for (std::size_t i = 0; i < networks; ++i)
    for (std::size_t j = 0; j < keys; ++j) {
      of_network[i] += scores[i * keys + j] / k;
      of_key[j] += scores[i * keys + j] / n;
    }
  CrossedNull found;
  for (const double one : of_network) found.mean += one / n;
  double between_networks = 0, between_keys = 0, rest = 0;
  for (const double one : of_network) between_networks += k * square(one - found.mean) / (n - 1);
  for (const double one : of_key) between_keys += n * square(one - found.mean) / (k - 1);
  for (std::size_t i = 0; i < networks; ++i)
    for (std::size_t j = 0; j < keys; ++j)
      rest += square(scores[i * keys + j] - of_network[i] - of_key[j] + found.mean) / ((n - 1) * (k - 1));
  found.of_networks = std::sqrt(std::max(0.0, (between_networks - rest) / k));
  found.of_keys = std::sqrt(std::max(0.0, (between_keys - rest) / n));
  found.of_rest = std::sqrt(rest);

  std::vector<double> means;
  for (int resample = 0; resample < resamples; ++resample) {
    const auto rows = drawn(networks, draws), columns = drawn(keys, draws);
    double sum = 0;
    for (const std::size_t row : rows)
      for (const std::size_t column : columns) sum += scores[row * keys + column];
    means.push_back(sum / (n * k));
  }
  std::sort(means.begin(), means.end());
  const auto cut = static_cast<std::size_t>(tail * resamples);
  found.interval = {means[cut], means[means.size() - 1 - cut]};
  return found;
}

}  // namespace telltale::watermark
