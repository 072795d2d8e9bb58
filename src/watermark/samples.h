// Key samples as tensors.
#pragma once

#include <ATen/Tensor.h>

#include "watermark/scheme.h"

namespace telltale::watermark {

/// N x C x H x W float32, a copy.
at::Tensor images_of(const KeySamples& samples);
/// N, int64, a copy.
at::Tensor labels_of(const KeySamples& samples);

}  // namespace telltale::watermark
