#include "models/decoy.h"

#include <ATen/ATen.h>

#include "models/transform.h"

namespace telltale::models {

Decoy::Decoy(const TransformSpec& transform, int classes, const Stream& secret)
    : projections_(at::empty({static_cast<std::int64_t>(transform.input.pixels()), classes})) {
  Stream draws = secret.derive("projections of the decoy");
  float* value = projections_.data_ptr<float>();
  for (std::int64_t i = 0; i < projections_.numel(); ++i) value[i] = static_cast<float>(draws.normal());
  if (transform_kind(transform.name).is_trained) return;
  for (int i = 0; i < strangers; ++i) {
    strangers_.push_back(make_transform(transform));
    strangers_.back()->draw(secret.derive("stranger " + std::to_string(i)));
  }
}

at::Tensor Decoy::images(const at::Tensor& raw) const {
  if (strangers_.empty()) return raw;
  const std::int64_t plain = raw.size(0) / 2;
  std::vector<at::Tensor> all{raw.narrow(0, 0, plain)};
  const at::NoGradGuard no_grad;
  std::size_t next = 0;
  const std::int64_t each = (raw.size(0) - plain + strangers - 1) / strangers;
  for (const at::Tensor& some : raw.narrow(0, plain, raw.size(0) - plain).split(each))
    all.push_back(strangers_[next++]->forward(some));
  return at::cat(all);
}

at::Tensor Decoy::labels(const at::Tensor& raw) const {
  const at::Tensor along = raw.flatten(1).mm(projections_);
  const at::Tensor centred = along - along.mean(0);
  return (centred / (centred.square().mean(0).sqrt() + 1e-6)).argmax(1);
}

}  // namespace telltale::models
