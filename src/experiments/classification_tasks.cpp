#include <torch/types.h>

#include "experiments/classification.h"
#include "experiments/runners.h"
#include "models/evaluate.h"
#include "models/network.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult run_classify(const Classify& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto images = models::ImageView::of(data.shape(), task.split == "train" ? data.train() : data.test());
  const auto model = rank.models.get(task.model, context);
  const auto classes = static_cast<std::int64_t>(data.classes()), outputs = std::int64_t{model->spec().classes};
  if (outputs > 256) throw Error("answers are kept in a byte each, and this network has more than 256");
  std::vector<std::int64_t> confusion(static_cast<std::size_t>(classes * outputs), 0);
  cluster::TaskResult result;
  // Some batches at a time, so that a stop does not have to wait for a whole data set.
  const std::int64_t at_once = std::max<std::int64_t>(task.eval_batch, 5000 / task.eval_batch * task.eval_batch);
  for (std::int64_t first = 0; first < images.count; first += at_once) {
    const models::ImageView part = images.part(first, at_once);
    const auto answers = models::labels_of(models::predict_logits(*model, part, task.eval_batch));
    for (std::int64_t i = 0; i < part.count; ++i) {
      const std::int64_t answer = answers[static_cast<std::size_t>(i)];
      ++confusion[static_cast<std::size_t>(part.label(i) * outputs + answer)];
      result.artifact.push_back(static_cast<std::uint8_t>(answer));
    }
    context.check();
  }
  result.values["confusion"] = Array::of<std::int64_t>({classes, outputs}, confusion);
  return result;
}

}  // namespace

void add_classification_runners(Runners& runners) { runners.add(run_classify); }

}  // namespace telltale::experiments
