#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <string>

#include "watermark/attacks/spectrum.h"

namespace telltale::watermark {
namespace {

// Eigenvectors of a symmetric matrix, a column each, the largest eigenvalue's first.
at::Tensor directions_of(const at::Tensor& squares) { return std::get<1>(at::linalg_eigh(squares)).flip(1); }

}  // namespace

at::Tensor spectrum_start(const models::Network& network, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const std::int64_t pixels = images.size(1);
  const auto parameters = network.named_parameters(), buffers = network.named_buffers();
  const auto& first = parameters.front();
  if (first.value().dim() != 2 || first.value().size(1) != pixels) return at::eye(pixels);
  const at::Tensor weight = first.value().to(at::kDouble);  // units x pixels

  // A batch norm behind the layer says how large its units are, and what they are on average.
  const at::Tensor* spread = buffers.find("norm1.running_var");
  const at::Tensor* mean = buffers.find("norm1.running_mean");
  at::Tensor scaled = weight;
  if (spread != nullptr)
    scaled =
        weight * (parameters["norm1.weight"].to(at::kDouble) / (spread->to(at::kDouble) + 1e-5).sqrt()).unsqueeze(1);
  const at::Tensor theirs = directions_of(scaled.t().mm(scaled));

  const at::Tensor own = images.to(at::kDouble), middle = own.mean(0);
  const at::Tensor centred = own - middle;
  const at::Tensor ours = directions_of(centred.t().mm(centred));
  at::Tensor signs = at::ones({pixels}, at::kDouble);
  if (mean != nullptr) {
    // The average input that would give these averages: the network's side of the mean image.
    const std::string bias = first.key().substr(0, first.key().rfind('.')) + ".bias";
    const at::Tensor shifted = (mean->to(at::kDouble) - parameters[bias].to(at::kDouble)).unsqueeze(1);
    const at::Tensor input = std::get<0>(at::linalg_lstsq(weight, shifted)).squeeze(1);
    signs = ((input.unsqueeze(0).mm(theirs)) * (middle.unsqueeze(0).mm(ours))).squeeze(0).sign();
    signs = signs + (signs == 0).to(at::kDouble);
  }
  return (ours * signs).mm(theirs.t()).to(at::kFloat);
}

}  // namespace telltale::watermark
