// What a training minimises, where that is more than the cross-entropy of the network's answers.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "models/batches.h"
#include "models/network.h"

namespace telltale::models {

/// One step's samples, as they were varied.
struct Batch {
  at::Tensor images;                      ///< N x C x H x W, float32 in [0, 1], channels last
  at::Tensor labels;                      ///< N, int64
  std::span<const Variation> variations;  ///< N: how each was varied; empty: not at all
  std::span<const std::int64_t> samples;  ///< N: which of the training's samples they are
};

/// A tensor that is trained beside the network's parameters.
struct Companion {
  std::string name;
  at::Tensor parameter;
  bool decays = true;  ///< the recipe's weight decay is its too
  double rate = 1;     ///< its learning rate is the recipe's times this
};

class Objective {
 public:
  struct Value {
    at::Tensor loss;    ///< a scalar; gradients flow from here
    at::Tensor logits;  ///< N x classes: what the accuracy of an epoch is counted by
  };

  virtual ~Objective() = default;
  virtual Value of(Network& network, const Batch& batch) = 0;
  /// Their values belong to a training's checkpoints.
  [[nodiscard]] virtual std::vector<Companion> companions() const { return {}; }
  /// What a training's checkpoint says of it: one of another objective is refused.
  [[nodiscard]] virtual Json description() const = 0;
};

}  // namespace telltale::models
