// Dense layers one after the other, as one operation.
#pragma once

#include <ATen/Tensor.h>

namespace telltale::models {

/// Dense layers with ReLU between them: `values` is N x inputs; of each layer `parameters` holds the weight (outputs x
/// inputs) and the bias, the first layer's first. Values and gradients are those of LibTorch's linear and ReLU bit for
/// bit: the same operators, but one node of autograd, because layers this small cost less than the bookkeeping of
/// theirs. A gradient is computed for what requires one, and has none of its own.
///
/// One case is other: a training on images that are mostly zeros. There the first layer leaves out zeros
/// (sparse_dense.h), and agrees with LibTorch up to rounding.
at::Tensor dense_layers(const at::Tensor& values, at::TensorList parameters);

}  // namespace telltale::models
