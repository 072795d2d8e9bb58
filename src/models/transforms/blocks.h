// Images cut into square blocks, each a vector: what keyed transforms, and thieves who look for keys, work on.
#pragma once

#include <ATen/Tensor.h>

#include <string>

#include "core/error.h"
#include "data/dataset.h"

namespace telltale::models {

/// How many blocks of `side` x `side` pixels an image has. Throws InputError if they do not divide it.
inline std::int64_t block_count(const data::ImageShape& shape, std::int64_t side) {
  if (shape.height % side != 0 || shape.width % side != 0)
    throw InputError("images of " + shape.to_text() + " have no blocks of " + std::to_string(side) + " x " +
                     std::to_string(side) + " pixels");
  return (shape.height / side) * (shape.width / side);
}

/// Numbers of a block.
inline std::int64_t block_size(const data::ImageShape& shape, std::int64_t side) {
  return shape.channels * side * side;
}

/// Images, N x C x H x W, as vectors of their blocks: blocks x N x (C side side), rows of blocks first. `side` divides
/// height and width. N is left to LibTorch: in a TorchScript file its size would be a constant.
inline at::Tensor blocks_of(const at::Tensor& images, const data::ImageShape& shape, std::int64_t side) {
  const std::int64_t down = shape.height / side, right = shape.width / side;
  return images.reshape({-1, shape.channels, down, side, right, side})
      .permute({2, 4, 0, 1, 3, 5})
      .reshape({down * right, -1, block_size(shape, side)});
}

/// The other way round.
inline at::Tensor from_blocks(const at::Tensor& blocks, const data::ImageShape& shape, std::int64_t side) {
  return blocks.reshape({shape.height / side, shape.width / side, -1, shape.channels, side, side})
      .permute({2, 3, 0, 4, 1, 5})
      .reshape({-1, shape.channels, shape.height, shape.width});
}

}  // namespace telltale::models
