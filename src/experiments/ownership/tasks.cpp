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
  const auto service = watermark::attack_named(task.attack.at("name").get<std::string>())
                           .apply({task.attack, rank.models.get(task.model, context), test, check});
  cluster::TaskResult result;
  const auto put = [&](const char* name, double value) { result.values[name] = Array::scalar(value); };

  const at::Tensor logits = service->logits(test, task.eval_batch);
  put("accuracy", models::accuracy(models::labels_of(logits), data.test().labels));
  if (service->outputs() > data.classes())
    put("accuracy_label_removed", models::accuracy(models::labels_of(logits, data.classes()), data.test().labels));
  check();

  const watermark::Scheme& scheme = watermark::scheme_of(task.scheme);
  const watermark::KeyInputs inputs{task.scheme, train, test, data.classes()};
  const std::int64_t label = scheme.label(task.scheme, data.classes());
  const auto ask = [&](const watermark::KeySamples& keys) {
    const double share = models::share_of(models::labels_of(service->logits(images_of(keys), task.eval_batch)), label);
    check();
    return share;
  };
  using watermark::Query;
  const watermark::KeySamples fresh = scheme.queries(inputs, Query::fresh, task.key_images);
  put("keys_new", static_cast<double>(fresh.count()));
  put("key_accuracy_new", ask(fresh));
  put("key_accuracy_wrong", ask(scheme.queries(inputs, Query::wrong_secret, task.key_images)));
  put("key_accuracy_trained", ask(scheme.queries(inputs, Query::trained, task.key_images)));
  return result;
}

}  // namespace

void add_ownership_runners(Runners& runners) { runners.add(evaluate); }

}  // namespace telltale::experiments
