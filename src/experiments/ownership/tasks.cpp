#include <torch/types.h>

#include "experiments/ownership/ownership.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/service.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult evaluate(const Evaluate& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto train = models::ImageView::of(data.shape(), data.train()),
             test = models::ImageView::of(data.shape(), data.test());
  const auto check = [&] { context.check(); };
  // One stream a model: attacks that differ in a rate alone draw the same.
  const Stream stream(0, {{"model", task.model.hex()}}, "attack");
  const auto service =
      watermark::apply_attack({task.attack, rank.models.get(task.model, context), test, stream, check});
  cluster::TaskResult result;
  const auto put = [&](const std::string& name, double value) { result.values[name] = Array::scalar(value); };

  const at::Tensor logits = service->logits(test, task.eval_batch);
  const auto answers = models::labels_of(logits);
  const ByteSpan labels = data.test().labels;
  put_accuracies(result, "accuracy", answers, labels);
  if (service->outputs() > data.classes())
    put("accuracy_label_removed", models::accuracy(models::labels_of(logits, data.classes()), data.test().labels));
  check();

  const watermark::Scheme& scheme = watermark::scheme_of(task.scheme);
  std::shared_ptr<const Bytes> chosen_by;
  if (task.answers) chosen_by = context.artifact(*task.answers);
  const watermark::KeyInputs inputs{
      task.scheme, train, test, data.classes(), &rank.other_data, chosen_by ? ByteSpan(*chosen_by) : ByteSpan()};
  const auto ask = [&](watermark::Query query, const std::string& name) {
    if (!scheme.has(query)) return;
    const watermark::KeySamples keys = scheme.queries(inputs, query, task.key_images);
    const auto given = models::labels_of(service->logits(images_of(keys), task.eval_batch));
    result.values["keys_" + name] = Array::scalar<std::int64_t>(keys.count());
    result.values["key_matches_" + name] = Array::scalar<std::int64_t>(models::matches(given, keys.labels));
    put("key_accuracy_" + name, models::accuracy(given, keys.labels));
    if (!keys.true_labels.empty()) {
      result.values["true_matches_" + name] = Array::scalar<std::int64_t>(models::matches(given, keys.true_labels));
      put("signature", given == keys.labels ? 1 : 0);
    }
    check();
  };
  ask(watermark::Query::fresh, "new");
  ask(watermark::Query::wrong_secret, "wrong");
  ask(watermark::Query::other_source, "other");
  if (task.is_marked || !scheme.has(watermark::Query::fresh)) ask(watermark::Query::trained, "trained");
  return result;
}

}  // namespace

void add_ownership_runners(Runners& runners) { runners.add(evaluate); }

}  // namespace telltale::experiments
