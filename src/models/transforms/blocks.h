// Images cut into square blocks, each a vector: what keyed transforms, and thieves who look for keys, work on.
#pragma once

#include <ATen/Tensor.h>

#include "data/dataset.h"

namespace telltale::models {

/// Images, N x C x H x W, as vectors of their blocks: blocks x N x (C side side), rows of blocks first. `side` divides
/// height and width. N is left to LibTorch: in a TorchScript file its size would be a constant.
inline at::Tensor blocks_of(const at::Tensor& images, const data::ImageShape& shape, std::int64_t side) {
  const std::int64_t down = shape.height / side, right = shape.width / side;
  return images.reshape({-1, shape.channels, down, side, right, side})
      .permute({2, 4, 0, 1, 3, 5})
      .reshape({down * right, -1, shape.channels * side * side});
}

/// The other way round.
inline at::Tensor from_blocks(const at::Tensor& blocks, const data::ImageShape& shape, std::int64_t side) {
  return blocks.reshape({shape.height / side, shape.width / side, -1, shape.channels, side, side})
      .permute({2, 3, 0, 4, 1, 5})
      .reshape({-1, shape.channels, shape.height, shape.width});
}

}  // namespace telltale::models
