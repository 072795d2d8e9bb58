#include "models/convolution_pool.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "core/random.h"
#include "models/pooling.h"
#include "models/runtime.h"

namespace telltale::models {
namespace {

struct Values {
  std::vector<float> pixels, weights, bias, gradient;
  std::int64_t images;

  Values(const ConvolutionPool& shape, std::int64_t count) : images(count) {
    Stream draws(1, {}, "values");
    const auto fill = [&](std::vector<float>& values, std::int64_t size) {
      values.resize(static_cast<std::size_t>(size));
      for (float& value : values) value = static_cast<float>(draws.normal());
    };
    fill(pixels, images * shape.image_size());
    fill(weights, shape.outputs * shape.taps());
    fill(bias, shape.outputs);
    fill(gradient, images * shape.pooled_size());
  }
};

struct Computed {
  std::vector<float> pooled, of_weights, of_bias, of_pixels;
  std::vector<std::uint8_t> sources;

  Computed(const ConvolutionPool& shape, const Values& values)
      : pooled(values.gradient.size()),
        of_weights(values.weights.size()),
        of_bias(values.bias.size()),
        of_pixels(values.pixels.size()),
        sources(values.gradient.size()) {
    convolution_pool_forward(shape, values.images, values.pixels.data(), values.weights.data(), values.bias.data(),
                             pooled.data(), sources.data());
    convolution_pool_backward(shape, values.images, values.pixels.data(), values.weights.data(), values.gradient.data(),
                              sources.data(), of_weights.data(), of_bias.data(), of_pixels.data());
  }
};

// The same sums, one number after the other in the order that the header promises.
struct OneByOne {
  std::vector<float> pooled, of_weights, of_bias, of_pixels;
  std::vector<std::uint8_t> sources;

  OneByOne(const ConvolutionPool& shape, const Values& values)
      : of_weights(values.weights.size()), of_bias(values.bias.size()), of_pixels(values.pixels.size()) {
    const std::int64_t row = shape.kernel * shape.channels;
    for (std::int64_t image = 0; image < values.images; ++image) {
      std::vector<float> weight_part(of_weights.size()), bias_part(of_bias.size());
      const std::int64_t start = image * shape.image_size();
      for (std::int64_t y = 0; y < shape.pooled_height(); ++y) {
        for (std::int64_t x = 0; x < shape.pooled_width(); ++x) {
          for (std::int64_t output = 0; output < shape.outputs; ++output) {
            const auto pixel = [&](int place, std::int64_t tap) {
              const std::int64_t down = 2 * y + place / 2 + tap / row, right = 2 * x + place % 2;
              return static_cast<std::size_t>(start + (down * shape.width + right) * shape.channels + tap % row);
            };
            const auto weight = [&](std::int64_t tap) { return static_cast<std::size_t>(output * shape.taps() + tap); };
            const auto channel = static_cast<std::size_t>(output);
            float most = -std::numeric_limits<float>::infinity();
            int source = 0;
            for (int place = 0; place < 4; ++place) {
              float sum = values.bias[channel];
              for (std::int64_t tap = 0; tap < shape.taps(); ++tap)
                sum += values.weights[weight(tap)] * values.pixels[pixel(place, tap)];
              if (sum > most) source = place;
              if (sum > most) most = sum;
            }
            const float gradient = values.gradient[pooled.size()];
            pooled.push_back(most > 0 ? most : 0);
            sources.push_back(static_cast<std::uint8_t>(most > 0 ? source : 4));
            if (most <= 0) continue;
            bias_part[channel] += gradient;
            for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
              weight_part[weight(tap)] += values.pixels[pixel(source, tap)] * gradient;
              of_pixels[pixel(source, tap)] += values.weights[weight(tap)] * gradient;
            }
          }
        }
      }
      for (std::size_t i = 0; i < of_weights.size(); ++i) of_weights[i] += weight_part[i];
      for (std::size_t i = 0; i < of_bias.size(); ++i) of_bias[i] += bias_part[i];
    }
  }
};

// Kernels of the networks that use it, and what is odd: rows that the windows do not fill, channels that the vectors do
// not, rows of a kernel longer than four vectors, kernels of 1, 2 and 7.
const ConvolutionPool pooled_shapes[] = {{28, 28, 1, 3, 32},  {28, 28, 1, 5, 6}, {12, 12, 6, 5, 16},
                                         {32, 32, 3, 5, 6},   {9, 12, 2, 2, 20}, {8, 8, 7, 7, 9},
                                         {13, 10, 11, 4, 33}, {3, 3, 1, 2, 1},   {6, 6, 5, 1, 8}};

class EachShape : public testing::TestWithParam<ConvolutionPool> {};

TEST_P(EachShape, GivesTheBitsOfOneSumAfterTheOther) {
  const Values values(GetParam(), 3);
  const Computed vectors(GetParam(), values);
  const OneByOne expected(GetParam(), values);
  EXPECT_EQ(vectors.pooled, expected.pooled);
  EXPECT_EQ(vectors.sources, expected.sources);
  EXPECT_EQ(vectors.of_weights, expected.of_weights);
  EXPECT_EQ(vectors.of_bias, expected.of_bias);
  EXPECT_EQ(vectors.of_pixels, expected.of_pixels);
}

// The independent path: LibTorch's convolution, pool and gradients, in double precision.
TEST_P(EachShape, IsLibTorchsUpToRounding) {
  set_threads_to_one();
  const ConvolutionPool& shape = GetParam();
  torch::manual_seed(1);
  const at::Tensor images = torch::randn({3, shape.channels, shape.height, shape.width}).requires_grad_();
  const at::Tensor weight = torch::randn({shape.outputs, shape.channels, shape.kernel, shape.kernel}).requires_grad_();
  const at::Tensor bias = torch::randn({shape.outputs}).requires_grad_();
  std::vector<at::Tensor> exact;
  for (const at::Tensor& tensor : {images, weight, bias})
    exact.push_back(tensor.detach().to(at::kDouble).requires_grad_());
  const at::Tensor ours = convolution_pool_relu(images, weight, bias);
  const at::Tensor theirs = at::max_pool2d(at::conv2d(exact[0], exact[1], exact[2]), {2, 2}).relu();
  EXPECT_TRUE(torch::allclose(ours.to(at::kDouble), theirs, 1e-4, 1e-4));
  const at::Tensor gradient = torch::randn(ours.sizes());
  ours.backward(gradient);
  theirs.backward(gradient.to(at::kDouble));
  EXPECT_TRUE(torch::allclose(images.grad().to(at::kDouble), exact[0].grad(), 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(weight.grad().to(at::kDouble), exact[1].grad(), 1e-4, 1e-3));
  EXPECT_TRUE(torch::allclose(bias.grad().to(at::kDouble), exact[2].grad(), 1e-4, 1e-3));
}

INSTANTIATE_TEST_SUITE_P(ConvolutionPool, EachShape, testing::ValuesIn(pooled_shapes), [](const auto& shape) {
  const ConvolutionPool& of = shape.param;
  return std::to_string(of.channels) + "x" + std::to_string(of.height) + "x" + std::to_string(of.width) + "_kernel" +
         std::to_string(of.kernel) + "_to" + std::to_string(of.outputs);
});

TEST(ConvolutionPool, OfEqualPixelsTheFirstIsTheSourceAndWhatIsNotAboveZeroHasNone) {
  const ConvolutionPool shape{2, 2, 1, 1, 2};
  const std::vector<float> pixels(4, 1.0F), weights{2.0F, -2.0F}, bias{0.0F, 2.0F};
  std::vector<float> pooled(2, -1.0F);
  std::vector<std::uint8_t> sources(2, 9);
  convolution_pool_forward(shape, 1, pixels.data(), weights.data(), bias.data(), pooled.data(), sources.data());
  EXPECT_EQ(pooled, (std::vector<float>{2, 0}));
  EXPECT_EQ(sources, (std::vector<std::uint8_t>{0, 4}));
}

TEST(ConvolutionPool, ANanStaysVisible) {
  const ConvolutionPool shape{2, 2, 1, 1, 1};
  const std::vector<float> weights{1.0F}, bias{0.0F};
  for (std::size_t place = 0; place < 4; ++place) {
    std::vector<float> pixels(4, 1.0F), pooled(1);
    pixels[place] = std::numeric_limits<float>::quiet_NaN();
    convolution_pool_forward(shape, 1, pixels.data(), weights.data(), bias.data(), pooled.data(), nullptr);
    EXPECT_TRUE(std::isnan(pooled[0])) << place;
  }
}

}  // namespace
}  // namespace telltale::models
