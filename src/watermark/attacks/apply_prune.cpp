#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "models/weights.h"
#include "watermark/attacks/prune.h"
#include "watermark/registry.h"
#include "watermark/service.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

// A weight by its size, then by its place. The bits of an absolute value order as the values do, with NaN on top.
struct Candidate {
  std::uint32_t magnitude;
  std::uint32_t place;

  auto operator<=>(const Candidate&) const = default;
};

// `flat` is zeroed where the `share` smallest of its values are.
std::int64_t zero_smallest(const at::Tensor& flat, double share) {
  std::vector<Candidate> candidates(static_cast<std::size_t>(flat.numel()));
  float* values = flat.data_ptr<float>();
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    candidates[i] = {std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFU, i};
  }
  const std::int64_t count = nearest_of(share, flat.numel());
  std::nth_element(candidates.begin(), candidates.begin() + count, candidates.end());
  for (std::int64_t i = 0; i < count; ++i) values[candidates[static_cast<std::size_t>(i)].place] = 0;
  return count;
}

}  // namespace

std::unique_ptr<Service> apply_prune(const AttackInputs& inputs) {
  auto copy = models::copied(*inputs.model);
  prune(*copy, inputs.settings.at("rate").get<double>(),
        prune_scope_named(inputs.settings.at("scope").get<std::string>()));
  return serve(std::move(copy));
}

std::string_view name_of(PruneScope scope) { return scope == PruneScope::global ? "global" : "per-tensor"; }

PruneScope prune_scope_named(std::string_view name) {
  for (const PruneScope scope : {PruneScope::global, PruneScope::per_tensor}) {
    if (name == name_of(scope)) return scope;
  }
  throw InputError("there is no way of pruning named \"" + std::string(name) + "\"; there are: global, per-tensor");
}

std::int64_t prune(models::Network& network, double rate, PruneScope scope, bool biases_too) {
  if (!(rate >= 0 && rate < 1)) {
    throw InputError("a pruning rate of " + canonical(Json(rate)) + " is none: it is at least 0 and less than 1");
  }
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> flat;  // row-major, whatever the layout in memory
  for (const at::Tensor& parameter : network.parameters()) {
    if (parameter.dim() < 2 && !biases_too) continue;
    weights.push_back(parameter);
    flat.push_back(parameter.detach().contiguous().flatten().clone());
  }
  std::int64_t zeroed = 0;
  if (scope == PruneScope::global) {
    const at::Tensor all = at::cat(flat);
    zeroed = zero_smallest(all, rate);
    std::int64_t first = 0;
    for (at::Tensor& values : flat) {
      const std::int64_t size = values.numel();
      values = all.narrow(0, first, size);
      first += size;
    }
  } else {
    for (const at::Tensor& values : flat) zeroed += zero_smallest(values, rate);
  }
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i].copy_(flat[i].view(weights[i].sizes()));
  return zeroed;
}

}  // namespace telltale::watermark
