#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "models/batches.h"
#include "models/evaluate.h"
#include "watermark/forgery.h"
#include "watermark/service.h"

namespace telltale::watermark {

Forged forge_answers(const ForgeryInputs& inputs) {
  const models::ImageView& images = inputs.key.test;
  const auto given = models::labels_of(inputs.suspect->logits(images, inputs.batch));
  // By how many of the claimant's networks that is answered.
  std::vector<int> shared(given.size(), 0);
  for (const auto& network : inputs.ensemble) {
    const auto theirs = models::labels_of(models::predict_logits(*network, images, inputs.batch));
    for (std::size_t i = 0; i < given.size(); ++i) shared[i] += theirs[i] == given[i] ? 1 : 0;
    inputs.check();
  }
  std::vector<std::int64_t> order(given.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return shared[static_cast<std::size_t>(a)] < shared[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(inputs.queries)));
  Forged forged{{images.shape, {}, {}, order}};
  for (const std::int64_t source : order) {
    for (const std::uint8_t byte : images.image(source)) forged.samples.pixels.push_back(models::pixel_value(byte));
    forged.samples.labels.push_back(given[static_cast<std::size_t>(source)]);
  }
  return forged;
}

}  // namespace telltale::watermark
