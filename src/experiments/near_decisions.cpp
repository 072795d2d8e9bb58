#include "experiments/near_decisions.h"

namespace telltale::experiments {

study::Task<NearDecisions> near_decisions(const Plan& plan, const StudyInputs& inputs, const PlannedTraining& network,
                                          const watermark::BiasSettings& settings) {
  const auto images = static_cast<double>(inputs.data->train().count + inputs.data->test().count);
  return {{inputs.data->content_hash(), plan.tasks[network.task].identity, settings.frequencies, settings.queries,
           settings.margin, settings.copies, network.environment, inputs.job.integer("eval-batch")},
          {network.task},
          network.environments,
          images * static_cast<double>(1 + settings.copies) * network.image_s};
}

}  // namespace telltale::experiments
