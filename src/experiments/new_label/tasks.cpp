#include <torch/types.h>

#include "experiments/new_label/new_label.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult predict(const Predict& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto network = rank.models.get(task.model, context);
  const auto images = models::first_images(data.shape(), data.test(), task.images);
  const at::Tensor logits = models::predict_logits(*network, images, task.batch);
  cluster::TaskResult result;
  result.values["logits"] = array_of(logits);
  result.values["labels"] = array_of(models::labels_of(logits));
  return result;
}

}  // namespace

void add_new_label_runners(Runners& runners) { runners.add(predict); }

}  // namespace telltale::experiments
