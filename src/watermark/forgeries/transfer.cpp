// Adversarial keys that transfer (Liu et al. 2024, Sec. 4): projected gradient descent against an ensemble (Madry et
// al. 2018), in the maximum norm.
#include <torch/autograd.h>

#include <algorithm>

#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"

namespace telltale::watermark {
namespace {

constexpr int steps = 40;

// Images within epsilon of these, at which the networks' mean cross-entropy with the labels is small, or large.
at::Tensor moved(const at::Tensor& images, const at::Tensor& labels, bool towards, const ForgeryInputs& inputs) {
  const double step = 2.5 * inputs.epsilon / steps;
  std::vector<at::Tensor> parts;
  for (const auto& [first, wanted] : [&] {
         std::vector<std::pair<at::Tensor, at::Tensor>> all;
         const auto cut = images.split(inputs.batch), named = labels.split(inputs.batch);
         for (std::size_t i = 0; i < cut.size(); ++i) all.emplace_back(cut[i], named[i]);
         return all;
       }()) {
    const at::Tensor start = first.contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor image = start.clone();
    for (int i = 0; i < steps; ++i) {
      inputs.check();
      image.requires_grad_(true);
      at::Tensor loss = at::zeros({}, at::kFloat);
      for (const auto& network : inputs.ensemble) loss = loss + at::cross_entropy_loss(network->forward(image), wanted);
      const at::Tensor slope = torch::autograd::grad({loss}, {image}).front();
      const at::NoGradGuard no_grad;
      image = (image.detach() - (towards ? step : -step) * slope.sign());
      image = at::minimum(at::maximum(image, start - inputs.epsilon), start + inputs.epsilon).clamp_(0, 1);
    }
    parts.push_back(image.contiguous());
  }
  return at::cat(parts);
}

Forged transferred(const ForgeryInputs& inputs, bool targeted) {
  Forged forged{claimed_keys(inputs.key, inputs.key_images, inputs.queries)};
  KeySamples& keys = forged.samples;
  keys.keep_first(inputs.queries);  // of more each would have to be changed, and a claim needs no more
  for (const auto& network : inputs.ensemble) network->eval();
  const at::Tensor images = images_of(keys);
  const auto answers = [&](const at::Tensor& asked) {
    at::Tensor sum;
    for (const auto& network : inputs.ensemble) {
      const at::Tensor shares = models::predict_logits(*network, asked, inputs.batch).softmax(1);
      sum = sum.defined() ? sum + shares : shares;
    }
    return models::labels_of(sum);
  };
  // No network of the claimant's gives a label that none of them has.
  const bool can = !inputs.ensemble.empty() &&
                   (!targeted || *std::max_element(keys.labels.begin(), keys.labels.end()) < inputs.key.classes);
  if (!can) return forged;
  const at::Tensor labels = targeted ? labels_of(keys) : at::tensor(answers(images));
  const at::Tensor changed = moved(images, labels, targeted, inputs);
  if (!targeted) keys.labels = answers(changed);
  keys.pixels.assign(changed.data_ptr<float>(), changed.data_ptr<float>() + changed.numel());
  return forged;
}

}  // namespace

Forged forge_transfer(const ForgeryInputs& inputs) { return transferred(inputs, true); }
Forged forge_transfer_untargeted(const ForgeryInputs& inputs) { return transferred(inputs, false); }

}  // namespace telltale::watermark
