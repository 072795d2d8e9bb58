// A training towards given answers instead of labels (Hinton, Vinyals and Dean 2015, "Distilling the Knowledge").
#pragma once

#include <ATen/Tensor.h>

#include "models/objective.h"

namespace telltale::models {

/// The cross-entropy of a network's answers to those that a teacher gave to the samples, at temperature 1.
class Imitation final : public Objective {
 public:
  /// `answers`: samples x classes, probabilities.
  explicit Imitation(at::Tensor answers) : answers_(std::move(answers)) {}

  Value of(Network& network, const Batch& batch) override;
  [[nodiscard]] Json description() const override;

 private:
  at::Tensor answers_;
};

}  // namespace telltale::models
