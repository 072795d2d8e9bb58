#include "models/convolution_pool.h"

#include <algorithm>

#include "core/widest_vectors.h"
#include "models/lanes.h"

namespace telltale::models {
namespace {

// outputs x taps as taps x padded(outputs): a tap's weights of eight channels lie side by side.
std::vector<float> by_tap(const ConvolutionPool& shape, const float* weights) {
  const std::int64_t width = padded(shape.outputs);
  std::vector<float> packed(static_cast<std::size_t>(shape.taps() * width), 0.0F);
  for (std::int64_t output = 0; output < shape.outputs; ++output) {
    for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
      packed[static_cast<std::size_t>(tap * width + output)] = weights[output * shape.taps() + tap];
    }
  }
  return packed;
}

// How far apart floats lie in an image.
struct Strides {
  std::int64_t pixel, row;
  std::int64_t span;  // floats of a kernel's row
  std::int64_t kernel;

  explicit Strides(const ConvolutionPool& shape)
      : pixel(shape.channels),
        row(shape.width * shape.channels),
        span(shape.kernel * shape.channels),
        kernel(shape.kernel) {}
};

// The maximum of the four sums of each of `windows` windows that lie side by side, and where it came from: `blocks`
// times eight channels, `width` in all of each window.
template <int windows, int blocks>
TELLTALE_INLINE void windows_forward(const Strides& strides, const float* pixels, const float* weights,
                                     std::int64_t width, const float* bias, float* pooled, std::int32_t* sources) {
  Lanes sum[windows][4][blocks];
#pragma GCC unroll 8
  for (int b = 0; b < blocks; ++b) {
    const Lanes start = load(bias + b * lanes);
#pragma GCC unroll 8
    for (int w = 0; w < windows; ++w) sum[w][0][b] = sum[w][1][b] = sum[w][2][b] = sum[w][3][b] = start;
  }
  for (std::int64_t y = 0; y < strides.kernel; ++y) {
    const float* upper = pixels + y * strides.row;
    const float* lower = upper + strides.row;
    for (std::int64_t i = 0; i < strides.span; ++i, weights += width) {
      Lanes weight[blocks];
#pragma GCC unroll 8
      for (int b = 0; b < blocks; ++b) weight[b] = load(weights + b * lanes);
#pragma GCC unroll 8
      for (int w = 0; w < windows; ++w) {
        const std::int64_t left = i + 2 * w * strides.pixel, right = left + strides.pixel;
#pragma GCC unroll 8
        for (int b = 0; b < blocks; ++b) {
          sum[w][0][b] += weight[b] * upper[left];
          sum[w][1][b] += weight[b] * upper[right];
          sum[w][2][b] += weight[b] * lower[left];
          sum[w][3][b] += weight[b] * lower[right];
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int w = 0; w < windows; ++w) {
#pragma GCC unroll 8
    for (int b = 0; b < blocks; ++b) {
      Lanes most = sum[w][0][b];
      Places from{};
#pragma GCC unroll 8
      for (std::int32_t place = 1; place < 4; ++place) {
        const Lanes other = sum[w][place][b];
        const Places stays = (other <= most) | (most != most);  // NaN wins, as in LibTorch
        most = stays ? most : other;
        from = stays ? from : Places{} + place;
      }
      const Places cut = most <= 0.0F;
      store(pooled + w * width + b * lanes, cut ? Lanes{} : most);
      store(sources + w * width + b * lanes, cut ? Places{} + no_source : from);
    }
  }
}

// `pooled` and `sources` are of `width` channels here.
TELLTALE_WIDEST_VECTORS
void image_forward(const ConvolutionPool& shape, const float* pixels, const float* weights, std::int64_t width,
                   const float* bias, float* pooled, std::int32_t* sources) {
  const Strides strides(shape);
  const std::int64_t rows = shape.pooled_height(), columns = shape.pooled_width();
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t channel = 0; channel < width; channel += 2 * lanes) {
      const float* from = pixels + 2 * y * strides.row;
      const std::int64_t out = y * columns * width + channel;
      const auto forward = [&]<int windows, int blocks>(std::int64_t x) __attribute__((always_inline)) {
        windows_forward<windows, blocks>(strides, from + 2 * x * strides.pixel, weights + channel, width,
                                         bias + channel, pooled + out + x * width, sources + out + x * width);
      };
      // Eight sums at a time: fewer would wait for each other, more have no registers.
      std::int64_t x = 0;
      if (channel + lanes < width) {
        for (; x < columns; ++x) forward.template operator()<1, 2>(x);
      } else {
        for (; x + 1 < columns; x += 2) forward.template operator()<2, 1>(x);
        for (; x < columns; ++x) forward.template operator()<1, 1>(x);
      }
    }
  }
}

// Every window's `outputs` channels of `width`, one window behind the other, in the same memory.
void leave_out_padding(std::int64_t windows, std::int64_t width, std::int64_t outputs, float* pooled,
                       std::int32_t* sources) {
  for (std::int64_t window = 1; window < windows; ++window) {
    for (std::int64_t output = 0; output < outputs; ++output) {
      pooled[window * outputs + output] = pooled[window * width + output];
      sources[window * outputs + output] = sources[window * width + output];
    }
  }
}

TELLTALE_WIDEST_VECTORS
void narrow(const std::int32_t* __restrict from, std::int64_t count, std::uint8_t* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(from[i]);
}

// Where in an image each of the four pixels of a window lies, and one that no output is from.
struct Offsets {
  std::int64_t of[5];
  explicit Offsets(const Strides& strides) : of{0, strides.pixel, strides.row, strides.row + strides.pixel, 0} {}
};

// The gradient of `rows` rows of one output channel's kernel, `vectors` times eight floats of each. Every window has
// one pixel that its output is from: only that one's surroundings count. `pixels` may be read behind the image's end.
template <int rows, int vectors>
TELLTALE_INLINE void kernel_rows_backward(const ConvolutionPool& shape, const Strides& strides, const float* pixels,
                                          const float* pooled_gradient, const std::uint8_t* sources,
                                          float* weight_gradient, std::int64_t padded_span) {
  const Offsets offsets(strides);
  Lanes sum[rows][vectors];
#pragma GCC unroll 8
  for (int k = 0; k < rows; ++k) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sum[k][v] = load(weight_gradient + k * padded_span + v * lanes);
  }
  const std::int64_t pooled_rows = shape.pooled_height(), columns = shape.pooled_width();
  for (std::int64_t y = 0; y < pooled_rows; ++y) {
    const float* window = pixels + 2 * y * strides.row;
    for (std::int64_t x = 0; x < columns; ++x, window += 2 * strides.pixel) {
      const float value = *pooled_gradient;
      const float* from = window + offsets.of[*sources];
      pooled_gradient += shape.outputs;
      sources += shape.outputs;
#pragma GCC unroll 8
      for (int k = 0; k < rows; ++k) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) sum[k][v] += load(from + k * strides.row + v * lanes) * value;
      }
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < rows; ++k) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) store(weight_gradient + k * padded_span + v * lanes, sum[k][v]);
  }
}

// Adds the gradient of one image to `weight_gradient`, outputs x kernel rows x padded(span).
TELLTALE_WIDEST_VECTORS
void image_weights_backward(const ConvolutionPool& shape, const float* pixels, const float* pooled_gradient,
                            const std::uint8_t* sources, float* weight_gradient) {
  const Strides strides(shape);
  const std::int64_t span = padded(strides.span);
  for (std::int64_t output = 0; output < shape.outputs; ++output) {
    for (std::int64_t row = 0; row < shape.kernel;) {
      const std::int64_t left = shape.kernel - row;
      // At most twelve sums at a time, which have registers.
      const std::int64_t rows = left >= 5 && span <= 2 * lanes ? 5 : left >= 3 ? 3 : 1;
      for (std::int64_t i = 0; i < span; i += 4 * lanes) {
        const std::int64_t vectors = std::min<std::int64_t>((span - i) / lanes, 4);
        const auto backward = [&]<int k, int v>() __attribute__((always_inline)) {
          kernel_rows_backward<k, v>(shape, strides, pixels + row * strides.row + i, pooled_gradient + output,
                                     sources + output, weight_gradient + (output * shape.kernel + row) * span + i,
                                     span);
        };
        switch (rows * 10 + vectors) {
          case 51: backward.template operator()<5, 1>(); break;
          case 52: backward.template operator()<5, 2>(); break;
          case 31: backward.template operator()<3, 1>(); break;
          case 32: backward.template operator()<3, 2>(); break;
          case 33: backward.template operator()<3, 3>(); break;
          case 34: backward.template operator()<3, 4>(); break;
          case 11: backward.template operator()<1, 1>(); break;
          case 12: backward.template operator()<1, 2>(); break;
          case 13: backward.template operator()<1, 3>(); break;
          default: backward.template operator()<1, 4>(); break;
        }
      }
      row += rows;
    }
  }
}

// `weights`: outputs x kernel rows x padded(span), zeros at the end of each row. `gradient`: of the image, with room
// for such zeros behind it.
TELLTALE_WIDEST_VECTORS
void image_pixels_backward(const ConvolutionPool& shape, const float* weights, const float* pooled_gradient,
                           const std::uint8_t* sources, float* gradient) {
  const Strides strides(shape);
  const std::int64_t rows = shape.pooled_height(), columns = shape.pooled_width();
  const std::int64_t span = padded(strides.span);
  const Offsets offsets(strides);
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; ++x) {
      float* window = gradient + 2 * (y * strides.row + x * strides.pixel);
      for (std::int64_t output = 0; output < shape.outputs; ++output) {
        const std::int64_t out = (y * columns + x) * shape.outputs + output;
        const int source = sources[out];
        if (source == no_source) continue;
        const float value = pooled_gradient[out];
        float* row = window + offsets.of[source];
        const float* weight = weights + output * strides.kernel * span;
        for (std::int64_t k = 0; k < strides.kernel; ++k, row += strides.row) {
          for (std::int64_t i = 0; i < span; i += lanes, weight += lanes) {
            store(row + i, load(row + i) + load(weight) * value);
          }
        }
      }
    }
  }
}

// The gradients without those that ReLU cut off; each channel's sum is added to `sums`.
TELLTALE_WIDEST_VECTORS
void uncut(const float* __restrict given, const std::uint8_t* __restrict sources, std::int64_t windows,
           std::int64_t outputs, float* __restrict gradient, float* __restrict sums) {
  for (std::int64_t i = 0; i < windows * outputs; ++i) gradient[i] = sources[i] == no_source ? 0.0F : given[i];
  for (std::int64_t window = 0; window < windows; ++window, gradient += outputs) {
    for (std::int64_t output = 0; output < outputs; ++output) sums[output] += gradient[output];
  }
}

// Sums of one image each are added up, so that rounding errors do not grow with the number of windows in a batch.
void add_to(std::vector<float>& total, std::vector<float>& part) {
  for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  std::fill(part.begin(), part.end(), 0.0F);
}

void weights_backward(const ConvolutionPool& shape, std::int64_t images, const float* pixels,
                      const float* pooled_gradient, const std::uint8_t* sources, float* weight_gradient,
                      float* bias_gradient) {
  const std::int64_t row = shape.kernel * shape.channels, span = padded(row);
  const auto size = static_cast<std::size_t>(shape.outputs * shape.kernel * span);
  const auto outputs = static_cast<std::size_t>(shape.outputs);
  std::vector<float> weight_sum(size), weight_part(size), bias_sum(outputs), bias_part(outputs);
  std::vector<float> image(static_cast<std::size_t>(shape.image_size() + span - row));
  std::vector<float> gradient(static_cast<std::size_t>(shape.pooled_size()));
  for (std::int64_t i = 0; i < images; ++i) {
    std::copy_n(pixels + i * shape.image_size(), shape.image_size(), image.begin());
    const std::uint8_t* source = sources + i * shape.pooled_size();
    uncut(pooled_gradient + i * shape.pooled_size(), source, shape.pooled_size() / shape.outputs, shape.outputs,
          gradient.data(), bias_part.data());
    image_weights_backward(shape, image.data(), gradient.data(), source, weight_part.data());
    add_to(weight_sum, weight_part);
    add_to(bias_sum, bias_part);
  }
  std::copy(bias_sum.begin(), bias_sum.end(), bias_gradient);
  for (std::int64_t i = 0; i < shape.outputs * shape.kernel; ++i) {
    std::copy_n(weight_sum.begin() + i * span, row, weight_gradient + i * row);
  }
}

void pixels_backward(const ConvolutionPool& shape, std::int64_t images, const float* weights,
                     const float* pooled_gradient, const std::uint8_t* sources, float* image_gradient) {
  const std::int64_t row = shape.kernel * shape.channels, span = padded(row);
  std::vector<float> packed(static_cast<std::size_t>(shape.outputs * shape.kernel * span));
  for (std::int64_t i = 0; i < shape.outputs * shape.kernel; ++i) {
    std::copy_n(weights + i * row, row, packed.begin() + i * span);
  }
  std::vector<float> gradient(static_cast<std::size_t>(shape.image_size() + span - row));
  for (std::int64_t image = 0; image < images; ++image) {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    image_pixels_backward(shape, packed.data(), pooled_gradient + image * shape.pooled_size(),
                          sources + image * shape.pooled_size(), gradient.data());
    std::copy_n(gradient.begin(), shape.image_size(), image_gradient + image * shape.image_size());
  }
}

}  // namespace

void convolution_pool_forward(const ConvolutionPool& shape, std::int64_t images, const float* pixels,
                              const float* weights, const float* bias, float* pooled, std::uint8_t* sources) {
  const std::int64_t width = padded(shape.outputs), windows = shape.pooled_size() / shape.outputs;
  const std::vector<float> packed = by_tap(shape, weights);
  std::vector<float> biases(static_cast<std::size_t>(width));
  std::copy_n(bias, shape.outputs, biases.begin());
  // Of one image, so that both stay in the cache.
  std::vector<float> wide(static_cast<std::size_t>(windows * width));
  std::vector<std::int32_t> places(wide.size());
  for (std::int64_t image = 0; image < images; ++image) {
    image_forward(shape, pixels + image * shape.image_size(), packed.data(), width, biases.data(), wide.data(),
                  places.data());
    if (width != shape.outputs) leave_out_padding(windows, width, shape.outputs, wide.data(), places.data());
    std::copy_n(wide.begin(), shape.pooled_size(), pooled + image * shape.pooled_size());
    if (sources != nullptr) narrow(places.data(), shape.pooled_size(), sources + image * shape.pooled_size());
  }
}

void convolution_pool_backward(const ConvolutionPool& shape, std::int64_t images, const float* pixels,
                               const float* weights, const float* pooled_gradient, const std::uint8_t* sources,
                               float* weight_gradient, float* bias_gradient, float* image_gradient) {
  weights_backward(shape, images, pixels, pooled_gradient, sources, weight_gradient, bias_gradient);
  if (image_gradient != nullptr) {
    pixels_backward(shape, images, weights, pooled_gradient, sources, image_gradient);
  }
}

}  // namespace telltale::models
