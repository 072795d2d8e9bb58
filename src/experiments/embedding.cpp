// How a watermark comes into a network: trained on from the start, or into a finished one.
#include <algorithm>

#include "experiments/training.h"

namespace telltale::experiments {

std::vector<Parameter> embedding_keys() {
  using enum ValueType;
  return {{.name = "embed",
           .type = choice,
           .fallback = "joint",
           .help = "key samples are trained on from the start (joint, as the papers do), or embedded into the finished "
                   "clean network of the same repeat (tune)",
           .axis = AxisRule::allowed,
           .choices = {"joint", "tune"}},
          {.name = "embed-rate",
           .type = number,
           .fallback = "0.01",
           .help = "learning rate of embed = tune",
           .axis = AxisRule::allowed,
           .least = 1e-12,
           .most = 1000},
          {.name = "embed-epochs",
           .type = integer,
           .fallback = "2",
           .help = "passes of embed = tune over the training images and the key samples",
           .axis = AxisRule::allowed,
           .least = 1,
           .most = 100000}};
}

bool tunes(const study::Job& job) {
  if (!job.has("embed")) return false;
  const auto& how = job.values("embed");
  return std::find(how.begin(), how.end(), "tune") != how.end();
}

}  // namespace telltale::experiments
