// Max pooling and ReLU in one, in the order that is cheap.
#pragma once

#include <ATen/Tensor.h>

namespace telltale::models {

/// ReLU of the 2 x 2 max pool (stride 2, an odd last row or column dropped). The maximum is monotone, so this equals
/// the pool of the ReLU bit for bit, at a quarter of the work.
at::Tensor pool_relu(const at::Tensor& maps);

}  // namespace telltale::models
