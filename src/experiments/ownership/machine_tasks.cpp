#include <torch/types.h>

#include "experiments/layer_hashes.h"
#include "experiments/ownership/asking.h"
#include "experiments/ownership/machines.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/weights.h"
#include "watermark/attack.h"
#include "watermark/service.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult read_on_machine(const ReadOnMachine& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto check = [&] { context.check(); };
  const Stream stream(0, {{"model", task.model.hex()}}, "attack");
  const watermark::AttackInputs attacked{task.attack, models::copied(*rank.models.get(task.model, context)),
                                         models::ImageView::of(data.shape(), data.test()), stream, check};
  const auto network = watermark::apply_attack(attacked)->network();
  std::shared_ptr<const Bytes> chosen_by;
  if (task.answers) chosen_by = context.artifact(*task.answers);
  const auto inputs = watermark::KeyInputs::of(task.scheme, data, rank.other_data, bytes_or_none(chosen_by));

  cluster::TaskResult result;
  const auto ask = [&](const watermark::KeySamples& keys) {
    check();
    return models::labels_of(models::predict_logits(*network, images_of(keys), task.batch));
  };
  put_claim(result, task.claim, task.key_images, inputs, ask);
  const watermark::KeySamples keys = watermark::claimed_keys(inputs, task.key_images, task.claim.queries);
  LayerHashes hashes(keys.count());
  network->observe([&](const std::string& layer, const at::Tensor& output) { hashes.add(layer, output); });
  result.values["labels"] = array_of(ask(keys));
  result.values["layer_hashes"] = hashes.array();
  return result;
}

}  // namespace

void add_machine_runners(Runners& runners) { runners.add(read_on_machine); }

}  // namespace telltale::experiments
