// Gradient descent on a thief's few tensors.
#pragma once

#include <ATen/Tensor.h>

#include <vector>

namespace telltale::watermark {

/// Adam on tensors that are float32 and require gradients.
class Descent {
 public:
  Descent(std::vector<at::Tensor> parameters, double rate);
  /// One step down the gradients of `loss`, a scalar.
  void step(const at::Tensor& loss);

 private:
  struct Item {
    at::Tensor parameter, first, second;
  };
  std::vector<Item> items_;
  float rate_;
  double first_power_ = 1, second_power_ = 1;
};

}  // namespace telltale::watermark
