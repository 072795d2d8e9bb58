#include <ATen/ATen.h>

#include "core/error.h"
#include "experiments/piracy/piracy.h"
#include "experiments/runners.h"
#include "experiments/settings.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/transform.h"
#include "watermark/service.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult run_delivery(const Deliver& task, RankState&, cluster::TaskContext& context) {
  const auto both = context.artifact(task.training);
  ByteReader parts(*both);
  const ByteSpan network = parts.block(), transform = parts.block(),
                 part = task.part == "network" ? network : transform;
  cluster::TaskResult result;
  result.artifact.assign(part.begin(), part.end());
  result.values["sha256"] = Array::of<std::uint8_t>({Identity::size}, Identity::of(result.artifact).bytes());
  return result;
}

cluster::TaskResult query_protected(const QueryProtected& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto network = rank.models.get(task.network, context);
  const models::WindowedImages test(models::ImageView::of(data.shape(), data.test()), network->spec().input);
  std::shared_ptr<models::Transform> transform;
  if (task.transform) transform = models::load_transform(*context.artifact(*task.transform));
  cluster::TaskResult result;

  const watermark::Attack& attack = watermark::attack_named(task.attack.at("name").get<std::string>());
  // The thief's draws: of the network, and of how often he has tried.
  Json of = {{"model", task.network.hex()}};
  if (task.attack.contains(attempt_axis)) of[attempt_axis] = task.attack[attempt_axis];
  watermark::AttackInputs inputs{task.attack, network, test.view(), Stream(0, of, "attack"), [&] { context.check(); }};
  if (attack.needs_pairs()) {
    inputs.transform = transform;
    inputs.owner_images = models::ImageView::of(data.shape(), data.train());
  }
  if (task.drawn_as) inputs.kind = *task.drawn_as;
  if (attack.asks_device()) {
    if (!transform) throw Error("there is no device to ask: the network has no transform");
    inputs.device =
        watermark::serve_behind(network, [transform](const at::Tensor& images) { return transform->forward(images); });
  }
  inputs.measured = [&](const char* name, double value) { result.values[name] = Array::scalar(value); };
  const auto service = watermark::apply_attack(inputs);

  const ByteSpan labels = data.test().labels;
  const at::Tensor raw = service->logits(test.view(), task.eval_batch);
  put_accuracies(result, "raw_accuracy", models::labels_of(raw), labels);
  context.check();
  if (attack.opens_raw_images()) return result;
  if (!transform) {
    put_accuracies(result, "accuracy", models::labels_of(raw), labels);
    return result;
  }
  const at::Tensor images = models::processed(*transform, test.view(), task.eval_batch);
  put_accuracies(result, "accuracy", models::labels_of(service->logits(images, task.eval_batch)), labels);
  if (attack.name() == "none") {
    const at::Tensor added = (images - models::planes_of(test.view())).to(at::kDouble) / transform->unit();
    inputs.measured("perturbation_rms", added.square().mean().sqrt().item<double>());
    inputs.measured("perturbation_most", added.abs().max().item<double>());
  }
  return result;
}

cluster::TaskResult answer_protected(const AnswerProtected& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto network =
      models::converted(*rank.models.get(task.network, context), models::precision_named(task.precision));
  const models::WindowedImages test(models::ImageView::of(data.shape(), data.test()).part(0, task.images),
                                    network->spec().input);
  cluster::TaskResult result;
  const auto put = [&](const std::string& prefix, const at::Tensor& logits) {
    const std::vector<std::int64_t> answers = models::labels_of(logits);
    std::vector<std::uint8_t> labels;
    for (const std::int64_t label : answers) labels.push_back(static_cast<std::uint8_t>(label));
    result.values[prefix + "labels"] = Array::of<std::uint8_t>({task.images}, labels);
    result.values[prefix + "accuracy"] = Array::scalar(models::accuracy(answers, test.view().labels));
  };
  at::Tensor logits = models::predict_logits(*network, test.view(), task.batch);
  put("raw_", logits);
  context.check();
  if (task.transform) {
    const auto transform = models::load_transform(*context.artifact(*task.transform));
    logits = models::predict_logits(*network, models::processed(*transform, test.view(), task.batch), task.batch);
  }
  put("", logits);
  result.values["logits"] = array_of(logits);
  return result;
}

cluster::TaskResult show_processed(const ShowProcessed& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto transform = models::load_transform(*context.artifact(task.transform));
  const models::WindowedImages test(models::ImageView::of(data.shape(), data.test()).part(0, task.images),
                                    transform->spec().input);
  cluster::TaskResult result;
  result.values["raw"] = array_of(models::planes_of(test.view()));
  result.values["processed"] = array_of(models::processed(*transform, test.view(), task.images));
  return result;
}

}  // namespace

void add_piracy_runners(Runners& runners) {
  runners.add(run_delivery);
  runners.add(query_protected);
  runners.add(answer_protected);
  runners.add(show_processed);
}

}  // namespace telltale::experiments
