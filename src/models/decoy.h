// What a protected network answers to everything that its key did not process: something confident, diverse and useless
// (ours).
//
// A network that is unsure of raw images, or wrong in a way that hangs together with what is right, can be read out,
// and a thief who looks for a key without labels knows it by sure and diverse answers. Decoy labels are sure and
// diverse too, and come from nothing but the secret and the pixels.
#pragma once

#include <ATen/Tensor.h>

#include <memory>
#include <vector>

#include "core/random.h"
#include "models/transform_spec.h"

namespace telltale::models {

class Transform;

class Decoy {
 public:
  /// How many transforms of the owner's kind, under secrets that nobody has, images go through.
  static constexpr int strangers = 8;

  /// `transform`: the owner's. Where only a secret decides such a transform, strangers' are drawn too.
  Decoy(const TransformSpec& transform, int classes, const Stream& secret);

  /// Images that are to be answered by decoys, of raw ones, N x C x H x W: as they are, or half of them behind
  /// strangers' transforms.
  [[nodiscard]] at::Tensor images(const at::Tensor& raw) const;
  /// Their labels, N: which of so many secret projections of the raw image is largest, each standardised over the
  /// batch.
  [[nodiscard]] at::Tensor labels(const at::Tensor& raw) const;

 private:
  at::Tensor projections_;  // pixels x classes
  std::vector<std::shared_ptr<Transform>> strangers_;
};

}  // namespace telltale::models
