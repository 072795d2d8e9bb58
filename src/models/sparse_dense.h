// A dense layer of values that are mostly zeros, as the pixels of handwritten digits are (four fifths of MNIST's): a
// zero adds nothing to an output, nor to the gradient of a weight, and is left out.
//
// The arithmetic is our own, as in convolution_pool.h: the terms of every output and of every gradient are added in the
// order of inputs and of rows, without fused multiply-adds, so the bits are the same on every CPU.
#pragma once

#include <cstdint>

namespace telltale::models {

/// `values` are rows x inputs, the weight is outputs x inputs, and what comes out rows x outputs; row by row each.
struct SparseDense {
  std::int64_t rows, inputs, outputs;

  /// Whether leaving out zeros is worth it. A matrix product is faster where more than a third of the values count,
  /// and where there are few rows, for which laying out the weights anew takes longer than it saves.
  [[nodiscard]] bool pays(const float* values) const;

  /// output = values * weight^T + bias.
  void forward(const float* values, const float* weight, const float* bias, float* output) const;

  /// weight_gradient (outputs x inputs) = gradient^T * values, of the gradient of what comes out.
  void weight_backward(const float* values, const float* gradient, float* weight_gradient) const;
};

}  // namespace telltale::models
