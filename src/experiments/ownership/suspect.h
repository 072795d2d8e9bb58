// A model from elsewhere, asked in a process that can reach nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace telltale::experiments {

struct SuspectAnswers {
  std::int64_t outputs = 0;
  std::vector<std::int64_t> labels;  ///< by query; -1: it gave no number for any class
};

/// Reads model and queries, confines this process for good (core/confinement.h), and asks. `model`: a TorchScript
/// module that makes logits, N x classes, of images, N x C x H x W, float32; safetensors of a network, or a training's
/// product. `queries`: NumPy float32, N x C x H x W. Throws InputError if that cannot be read, or the model does not
/// answer so.
SuspectAnswers ask_confined(const std::string& model, const std::string& queries, std::uint64_t memory_bytes);

}  // namespace telltale::experiments
