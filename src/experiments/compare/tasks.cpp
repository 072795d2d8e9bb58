#include <torch/types.h>

#include "experiments/compare/compare.h"
#include "experiments/layer_hashes.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"

namespace telltale::experiments {
namespace {

// As many threads as a task asks for, and one again afterwards.
class Threads {
 public:
  explicit Threads(int count) { models::set_threads(count); }
  ~Threads() { models::set_threads_to_one(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
};

cluster::TaskResult predict_on_this_machine(const MachinePrediction& task, RankState& rank,
                                            cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto model = rank.models.get(task.model, context);
  const Threads threads(static_cast<int>(task.threads));
  const auto network = models::converted(*model, models::precision_named(task.precision));
  LayerHashes hashes(task.images);
  network->observe([&](const std::string& layer, const at::Tensor& output) {
    hashes.add(layer, output);
    context.check();
  });
  const at::Tensor logits = models::predict_logits(
      *network, models::ImageView::of(data.shape(), data.test()).part(0, task.images), task.batch);
  // In the batches in which they were predicted, as a service would.
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> slices;
  for (const at::Tensor& slice : logits.split(task.batch)) {
    const at::Tensor full = at::constant_pad_nd(slice, {0, 0, 0, task.batch - slice.size(0)});
    slices.push_back(at::softmax(full, 1).narrow(0, 0, slice.size(0)));
  }
  const at::Tensor probabilities = at::cat(slices);
  hashes.add(softmax_layer, probabilities);

  cluster::TaskResult result;
  result.values["logits"] = array_of(logits);
  result.values["probabilities"] = array_of(probabilities);
  result.values["labels"] = array_of(models::labels_of(logits));
  result.values["layer_hashes"] = hashes.array();
  return result;
}

}  // namespace

void add_compare_runners(Runners& runners) { runners.add(predict_on_this_machine); }

}  // namespace telltale::experiments
