// A convolution, 2 x 2 max pooling and ReLU in one pass, forwards and backwards: the first layers of small networks are
// bound by the memory that their maps go through, and these maps are never written.
//
// The arithmetic is our own: every output's and every gradient's terms are added in one fixed order, without fused
// multiply-adds, each channel in a vector lane of its own. So the bits are the same on every CPU and at every vector
// width.
#pragma once

#include <cstdint>
#include <vector>

namespace telltale::models {

/// A convolution of square kernels (stride 1, no padding), of which every 2 x 2 window of outputs is pooled: an odd
/// last row or column of them is dropped. Images and outputs lie channels last.
struct ConvolutionPool {
  std::int64_t height, width, channels;  ///< of an image
  std::int64_t kernel;                   ///< its side
  std::int64_t outputs;                  ///< channels that come out

  [[nodiscard]] std::int64_t pooled_height() const { return (height - kernel + 1) / 2; }
  [[nodiscard]] std::int64_t pooled_width() const { return (width - kernel + 1) / 2; }
  [[nodiscard]] std::int64_t image_size() const { return height * width * channels; }
  [[nodiscard]] std::int64_t pooled_size() const { return pooled_height() * pooled_width() * outputs; }
  /// Weights of one output channel, in the order kernel row, kernel column, channel.
  [[nodiscard]] std::int64_t taps() const { return kernel * kernel * channels; }
};

/// In place of a pixel of a window: its output is from none, ReLU cut it off.
inline constexpr std::uint8_t no_source = 4;

/// `pooled` (images x pooled height x pooled width x outputs) of `images`, with weights (outputs x taps) and bias
/// (outputs). `sources`, of the shape of `pooled`, gets which pixel of its window (row by row) gave each output, 4
/// where ReLU cut it off; it may be null. The first of equal pixels wins.
void convolution_pool_forward(const ConvolutionPool& shape, std::int64_t images, const float* pixels,
                              const float* weights, const float* bias, float* pooled, std::uint8_t* sources);

/// Gradients from those of `pooled`: of the weights, of the bias, and, unless that is null, of the images, which are
/// all overwritten.
void convolution_pool_backward(const ConvolutionPool& shape, std::int64_t images, const float* pixels,
                               const float* weights, const float* pooled_gradient, const std::uint8_t* sources,
                               float* weight_gradient, float* bias_gradient, float* image_gradient);

}  // namespace telltale::models
