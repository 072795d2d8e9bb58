// Fine-pruning (Liu, Dolan-Gavitt and Garg 2018, Sec. 3): a backdoor is thought to live in channels that clean images
// do not use.
#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/weights.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"
#include "watermark/service.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

constexpr std::int64_t at_once = 250;  // images that a network is asked at a time

// The layer whose channels are cut off: the last convolution; where there is none, the last layer but the output.
std::string layer_to_prune(const models::Network& network) {
  std::string convolution, dense;
  for (const auto& parameter : network.named_parameters()) {
    const std::string& name = parameter.key();
    if (!name.ends_with(".weight") || models::is_of_output_layer(name) || name.find("shortcut") != std::string::npos)
      continue;
    const std::string layer = name.substr(0, name.size() - std::string_view(".weight").size());
    if (parameter.value().dim() == 4) convolution = layer;
    if (parameter.value().dim() == 2) dense = layer;
  }
  if (convolution.empty() && dense.empty()) throw Error("the network has no layer but its output that could be pruned");
  return convolution.empty() ? dense : convolution;
}

// The mean of each channel of a layer over all images, of what is above zero; sums in one order.
std::vector<double> activations(models::Network& network, const std::string& layer, const models::ImageView& images) {
  std::vector<double> sums;
  network.observe([&](const std::string& shown, const at::Tensor& output) {
    if (shown != layer) return;
    const at::Tensor values = output.detach().contiguous();  // N x channels, or N x channels x H x W
    const std::int64_t channels = values.size(1), each = values[0][0].numel();
    sums.resize(static_cast<std::size_t>(channels));
    const float* value = values.data_ptr<float>();
    for (std::int64_t image = 0; image < values.size(0); ++image)
      for (double& sum : sums)
        for (std::int64_t place = 0; place < each; ++place, ++value) sum += std::max(0.0F, *value);
  });
  for (std::int64_t first = 0; first < images.count; first += at_once)
    models::predict_logits(network, images.part(first, at_once), std::min(at_once, images.count - first));
  network.observe({});
  if (sums.empty()) throw Error("the layer " + layer + " shows no output, by which its channels could be chosen");
  return sums;
}

// No weight leads into those channels any more: behind a ReLU they are zero, and no gradient reaches them.
void cut_off(models::Network& network, const std::string& layer, const std::vector<std::int64_t>& channels) {
  std::string norm = layer;
  if (const std::size_t found = norm.rfind("conv"); found != std::string::npos) norm.replace(found, 4, "norm");
  const at::NoGradGuard no_grad;
  for (const auto& parameter : network.named_parameters()) {
    const std::string& name = parameter.key();
    const std::string owner = name.substr(0, name.rfind('.'));
    if (owner != layer && owner != norm) continue;
    for (const std::int64_t channel : channels) parameter.value().select(0, channel).zero_();
  }
}

}  // namespace

std::unique_ptr<Service> apply_fine_prune(const AttackInputs& inputs) {
  auto copy = models::copied(*inputs.model);
  const std::string layer = layer_to_prune(*copy);
  const std::vector<double> active = activations(*copy, layer, first_half(inputs.images));
  inputs.check();
  std::vector<std::int64_t> channels(active.size());
  std::iota(channels.begin(), channels.end(), 0);
  std::stable_sort(channels.begin(), channels.end(), [&](std::int64_t a, std::int64_t b) {
    return active[static_cast<std::size_t>(a)] < active[static_cast<std::size_t>(b)];
  });
  channels.resize(static_cast<std::size_t>(
      nearest_of(inputs.settings.at("share").get<double>(), static_cast<std::int64_t>(active.size()))));
  cut_off(*copy, layer, channels);
  train_on(copy, inputs, tuning_of(inputs.settings), "after fine-pruning");
  return serve(std::move(copy));
}

}  // namespace telltale::watermark
