// What the first layer of a stolen network says of a matrix that its images went through (ours; an adaptive thief).
#pragma once

#include <ATen/Tensor.h>

#include "models/network.h"

namespace telltale::watermark {

/// A matrix, pixels x pixels, by which a thief's images (rows: `images`, N x pixels, in the network's order) come near
/// to what the network was trained on, as far as its first layer tells: the principal directions of the images, each
/// turned into the direction of its rank among those that the layer weighs, and pointed as the running means of its
/// batch norm say. The identity, where that layer is not dense.
at::Tensor spectrum_start(const models::Network& network, const at::Tensor& images);

}  // namespace telltale::watermark
