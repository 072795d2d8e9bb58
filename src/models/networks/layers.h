// What the plain convolutional networks have in common.
#pragma once

#include <ATen/Tensor.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <string>

#include "models/network.h"

namespace telltale::models {

inline torch::nn::Conv2d plain_convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                           std::int64_t padding = 0) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(padding));
}

/// N x C x H x W as N x (H W C): a view, not a copy, of what lies channels last (and the order of TensorFlow's
/// flatten).
inline at::Tensor flat(const at::Tensor& maps) { return maps.permute({0, 2, 3, 1}).flatten(1); }

/// Pixels of [0, 1] as the network's option `pixels` wants them.
inline at::Tensor scaled(const at::Tensor& images, const std::string& pixels) {
  if (pixels == "half") return images - 0.5;
  if (pixels == "signed") return images * 2 - 1;
  return images;
}

}  // namespace telltale::models
