#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "experiments/new_label/new_label.h"
#include "experiments/new_label/twist.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult predict(const Predict& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto network = rank.models.get(task.model, context);
  const auto images = models::ImageView::of(data.shape(), data.test()).part(0, task.images);
  const at::Tensor logits = models::predict_logits(*network, images, task.batch);
  cluster::TaskResult result;
  result.values["logits"] = array_of(logits);
  result.values["labels"] = array_of(models::labels_of(logits));
  return result;
}

cluster::TaskResult twist(const Twist& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto test = models::ImageView::of(data.shape(), data.test());
  const auto classes = std::int64_t{data.classes()};
  // The outputs that both have.
  const at::Tensor logits =
      models::predict_logits(*rank.models.get(task.model, context), test, task.eval_batch).narrow(1, 0, classes);
  context.check();
  const at::Tensor clean = models::predict_logits(*rank.models.get(task.clean, context), test, task.eval_batch);
  const auto answers = models::labels_of(logits), before = models::labels_of(clean);
  const std::vector<std::int64_t> labels(test.labels.begin(), test.labels.end());
  std::vector<double> changes = models::margins(logits, labels);
  const std::vector<double> margins = models::margins(clean, labels);
  double sum = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    changes[i] -= margins[i];
    sum += std::abs(changes[i]);
  }
  std::sort(changes.begin(), changes.end());
  std::vector<double> quantiles;
  for (std::int64_t q = 0; q < Twist::quantiles; ++q)
    quantiles.push_back(changes[static_cast<std::size_t>(q) * (changes.size() - 1) / (Twist::quantiles - 1)]);
  cluster::TaskResult result;
  result.values["changed"] = Array::scalar(1 - models::accuracy(answers, before));
  result.values["mean_change"] = Array::scalar(sum / static_cast<double>(changes.size()));
  result.values["change"] = Array::of<double>({Twist::quantiles}, quantiles);
  return result;
}

}  // namespace

void add_new_label_runners(Runners& runners) {
  runners.add(predict);
  runners.add(twist);
}

}  // namespace telltale::experiments
