#include "watermark/near_decisions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/transform.h"

namespace telltale::watermark {
namespace {

constexpr std::int64_t read_at_once = 5000;

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor rows = tensor.to(at::kFloat).contiguous();
  return {rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel()};
}

}  // namespace

BiasQueries near_decisions(models::Network& network, const models::ImageView& train, const models::ImageView& test,
                           int classes, const BiasSettings& settings, std::int64_t batch,
                           const std::function<void()>& check) {
  const at::NoGradGuard no_grad;
  const models::BiasBasis basis = models::BiasBasis::of(train, classes, static_cast<int>(settings.frequencies));
  check();
  std::vector<at::Tensor> images, logits;
  const auto add = [&](const models::ImageView& view) {
    for (std::int64_t first = 0; first < view.count; first += read_at_once) {
      const models::ImageView part = view.part(first, read_at_once);
      const at::Tensor answers = models::predict_logits(network, part, batch);
      const auto [best, order] = answers.topk(2, 1);
      const at::Tensor near = ((best.select(1, 0) - best.select(1, 1)) < settings.margin).nonzero().flatten();
      images.push_back(models::planes_of(part).index_select(0, near));
      logits.push_back(answers.index_select(0, near));
      check();
    }
  };
  const std::int64_t half = test.count / 2;
  add(train), add(test.part(half, test.count - half));

  const at::Tensor all = at::cat(logits), pixels = at::cat(images);
  const auto [best, classes_of] = all.topk(2, 1);
  const std::vector<float> margins = values_of(best.select(1, 0) - best.select(1, 1));
  std::vector<std::int64_t> nearest(margins.size());
  std::iota(nearest.begin(), nearest.end(), 0);
  std::stable_sort(nearest.begin(), nearest.end(), [&](std::int64_t a, std::int64_t b) {
    return margins[static_cast<std::size_t>(a)] < margins[static_cast<std::size_t>(b)];
  });
  nearest.resize(std::min(nearest.size(), static_cast<std::size_t>(settings.queries)));
  const at::Tensor chosen = at::tensor(nearest, at::kLong);

  BiasQueries queries;
  queries.shape = train.shape, queries.classes = classes;
  queries.means = values_of(basis.means), queries.spread = values_of(basis.spread);
  const at::Tensor asked = pixels.index_select(0, chosen), answers = all.index_select(0, chosen),
                   pair = classes_of.index_select(0, chosen).contiguous();
  queries.pixels = values_of(asked);
  queries.features = values_of(basis.features(asked, answers.softmax(1)));
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    queries.first.push_back(pair[static_cast<std::int64_t>(i)][0].item<std::int64_t>());
    queries.second.push_back(pair[static_cast<std::int64_t>(i)][1].item<std::int64_t>());
    queries.margin.push_back(margins[static_cast<std::size_t>(nearest[i])]);
  }
  return queries;
}

models::BiasBasis basis_of(const BiasQueries& queries, const BiasSettings& settings) {
  const auto features = static_cast<std::int64_t>(queries.spread.size());
  return {static_cast<int>(settings.frequencies), at::tensor(queries.means).view({queries.classes, features}),
          at::tensor(queries.spread)};
}

}  // namespace telltale::watermark
