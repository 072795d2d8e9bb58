#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// `window` holds a pixel's neighbours, row by row: what replaces it.
using Replacing = float (*)(std::vector<float>& window, const std::vector<float>& weights);

float weighted_mean(std::vector<float>& window, const std::vector<float>& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < window.size(); ++i) sum += static_cast<double>(weights[i]) * window[i];
  return static_cast<float>(sum);
}

float median(std::vector<float>& window, const std::vector<float>&) {
  const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
  std::nth_element(window.begin(), middle, window.end());
  return *middle;
}

// Weights that sum to 1.
std::vector<float> weights_of(const std::string& by, std::int64_t side) {
  std::vector<double> line(static_cast<std::size_t>(side), 1.0);
  if (by == "gaussian") {
    const double deviation = 0.15 * static_cast<double>(side) + 0.35;
    for (std::int64_t i = 0; i < side; ++i) {
      const double distance = static_cast<double>(i - side / 2) / deviation;
      line[static_cast<std::size_t>(i)] = std::exp(-distance * distance / 2);
    }
  }
  double sum = 0;
  for (const double one : line) sum += one;
  std::vector<float> all;
  for (const double row : line)
    for (const double column : line) all.push_back(static_cast<float>(row * column / (sum * sum)));
  return all;
}

// In one order, on any CPU.
at::Tensor smoothed(const at::Tensor& images, std::int64_t side, const std::vector<float>& weights, Replacing by) {
  const at::Tensor from = images.contiguous();
  at::Tensor to = at::empty_like(from);
  const std::int64_t height = from.size(2), width = from.size(3), planes = from.size(0) * from.size(1);
  std::vector<float> window(weights.size());
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    const float* in = from.data_ptr<float>() + plane * height * width;
    float* out = to.data_ptr<float>() + plane * height * width;
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        std::size_t next = 0;
        for (std::int64_t dy = -side / 2; dy <= side / 2; ++dy)
          for (std::int64_t dx = -side / 2; dx <= side / 2; ++dx)
            window[next++] = in[std::clamp<std::int64_t>(y + dy, 0, height - 1) * width +
                                std::clamp<std::int64_t>(x + dx, 0, width - 1)];
        out[y * width + x] = by(window, weights);
      }
  }
  return to;
}

}  // namespace

std::unique_ptr<Service> apply_smooth(const AttackInputs& inputs) {
  const auto by = inputs.settings.at("by").get<std::string>();
  const std::int64_t side = inputs.settings.at("window").get<std::int64_t>() / 2 * 2 + 1;
  return serve_behind(inputs.model,
                      [side, weights = weights_of(by, side), replacing = by == "median" ? median : weighted_mean,
                       check = inputs.check](const at::Tensor& images) {
                        check();
                        return smoothed(images, side, weights, replacing);
                      });
}

}  // namespace telltale::watermark
