#include "watermark/descent.h"

#include <ATen/ATen.h>

#include <span>

#include "models/optimizer.h"

namespace telltale::watermark {

Descent::Descent(std::vector<at::Tensor> parameters, double rate) : rate_(static_cast<float>(rate)) {
  for (at::Tensor& parameter : parameters) {
    const at::Tensor like = parameter.detach();
    items_.push_back({std::move(parameter), at::zeros_like(like), at::zeros_like(like)});
  }
}

void Descent::step(const at::Tensor& loss) {
  loss.backward();
  const at::NoGradGuard no_grad;
  first_power_ *= models::adam_beta1;
  second_power_ *= models::adam_beta2;
  const auto values = [](const at::Tensor& tensor) {
    return std::span<float>(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  };
  for (const Item& item : items_) {
    const at::Tensor gradient = at::empty_like(item.parameter).copy_(item.parameter.grad());
    models::apply_adam({rate_, 0, first_power_, second_power_}, values(item.parameter), values(gradient),
                       values(item.first), values(item.second));
    item.parameter.mutable_grad().reset();
  }
}

}  // namespace telltale::watermark
