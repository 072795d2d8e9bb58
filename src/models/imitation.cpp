#include "models/imitation.h"

#include <ATen/ATen.h>

#include <vector>

namespace telltale::models {

Objective::Value Imitation::of(Network& network, const Batch& batch) {
  const std::vector<std::int64_t> samples(batch.samples.begin(), batch.samples.end());
  const at::Tensor wanted = answers_.index_select(0, at::tensor(samples));
  at::Tensor logits = network.forward(batch.images);
  at::Tensor loss = -(wanted * logits.log_softmax(1)).sum(1).mean();
  return {std::move(loss), std::move(logits)};
}

// A training that is resumed has its answers made anew: they follow from its own definition.
Json Imitation::description() const { return {{"imitates", answers_.sizes().vec()}}; }

}  // namespace telltale::models
