#include "watermark/inversion.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/generated/variable_factories.h>

#include <algorithm>
#include <deque>
#include <limits>

#include "core/error.h"
#include "models/network.h"

namespace telltale::watermark {

Inverted invert(models::Network& network, const at::Tensor& start, std::int64_t label, const InversionRecipe& recipe,
                const std::function<void()>& check) {
  if (recipe.cost != "confidence" && recipe.cost != "cross-entropy")
    throw InputError("there is no cost of inversion named " + recipe.cost + "; there are: confidence, cross-entropy");
  network.eval();
  at::Tensor image = start.unsqueeze(0).contiguous(at::MemoryFormat::ChannelsLast).clone();
  Inverted best{start.clone(), 0, 0};
  double least = std::numeric_limits<double>::infinity();
  std::deque<double> costs;
  for (std::int64_t step = 0;; ++step) {
    check();
    image.requires_grad_(true);
    const at::Tensor logarithm = at::log_softmax(network.forward(image), 1)[0][label];
    const at::Tensor cost = recipe.cost == "confidence" ? 1 - logarithm.exp() : -logarithm;
    const double now = cost.item<double>(), probability = logarithm.exp().item<double>();
    if (now < least) {
      least = now;
      best = {image.detach()[0].clone(), probability, step};
    }
    best.steps = step;
    if (probability >= recipe.confidence || step == recipe.steps) break;
    if (static_cast<std::int64_t>(costs.size()) >= recipe.patience) {
      if (now >= *std::max_element(costs.begin(), costs.end())) break;
      costs.pop_front();
    }
    costs.push_back(now);
    const at::Tensor slope = torch::autograd::grad({cost}, {image}).front();
    const at::NoGradGuard no_grad;
    image = (image.detach() - recipe.rate * slope).clamp_(0, 1);
  }
  return best;
}

}  // namespace telltale::watermark
