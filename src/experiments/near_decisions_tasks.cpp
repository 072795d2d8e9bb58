#include <torch/types.h>

#include "experiments/near_decisions.h"
#include "experiments/runners.h"
#include "models/network.h"
#include "watermark/near_decisions.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult find_near_decisions(const NearDecisions& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const watermark::BiasSettings settings{.frequencies = task.frequencies,
                                         .margin = task.margin,
                                         .queries = task.queries,
                                         .copies = task.copies,
                                         .secret = {}};
  const watermark::BiasQueries found = watermark::near_decisions(
      *rank.models.get(task.model, context), models::ImageView::of(data.shape(), data.train()),
      models::ImageView::of(data.shape(), data.test()), data.classes(), settings, task.eval_batch,
      [&] { context.check(); });
  cluster::TaskResult result;
  result.values["queries"] = Array::scalar<std::int64_t>(static_cast<std::int64_t>(found.count()));
  result.artifact = found.encoded();
  return result;
}

}  // namespace

void add_near_decision_runners(Runners& runners) { runners.add(find_near_decisions); }

}  // namespace telltale::experiments
