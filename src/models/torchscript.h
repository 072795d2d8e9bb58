// A network as a TorchScript file, which PyTorch loads without this program: torch.jit.load().
#pragma once

#include <functional>
#include <string>

#include "core/bytes.h"
#include "models/network.h"
#include "models/transform.h"

namespace telltale::models {

/// The bytes of a TorchScript module of the same float32 weights: forward(images) gives logits, N x classes, for
/// images N x C x H x W, float32 in [0, 1], of any N and any layout in memory. It computes what predict_logits() does
/// with batches of N images, with LibTorch's own operators and in the same memory layout: the same bits on the same
/// profile with one thread. Parameters and buffers keep their names and require no gradients.
///
/// `description` lies in the file as the extra file "telltale.json".
Bytes torchscript_of(const Network& network, const std::string& description);

/// Likewise of an anti-piracy transform: forward(images) gives processed images.
Bytes torchscript_of(const Transform& transform, const std::string& description);

/// A module that somebody made, as a function of one tensor. Its code is theirs: core/confinement.h. Throws LibTorch's
/// own errors where it cannot be read, or does not give a tensor.
std::function<at::Tensor(const at::Tensor&)> load_torchscript(ByteSpan bytes);

}  // namespace telltale::models
