// Max pooling and ReLU in one, in the order that is cheap, and a convolution before them in the same pass.
#pragma once

#include <ATen/Tensor.h>

namespace telltale::models {

/// ReLU of the 2 x 2 max pool (stride 2, an odd last row or column dropped). The maximum is monotone, so this equals
/// the pool of the ReLU bit for bit, at a quarter of the work.
at::Tensor pool_relu(const at::Tensor& maps);

/// pool_relu() of a convolution (stride 1, no padding) of images, in our own arithmetic (convolution_pool.h) instead of
/// LibTorch's: equal up to rounding, and faster for convolutions of few channels. All float32; `weight` is outputs x
/// channels x side x side, square. For training: what a network answers is computed by the libraries that are studied.
at::Tensor convolution_pool_relu(const at::Tensor& images, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace telltale::models
