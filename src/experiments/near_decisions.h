// The task that finds what a keyed bias is about: watermark/near_decisions.h.
#pragma once

#include "experiments/training.h"
#include "watermark/bias_queries.h"

namespace telltale::experiments {

/// Its outcome: queries, how many were found. Its product: watermark::BiasQueries.
struct NearDecisions {
  static constexpr study::TaskKind kind{.name = "near-decisions", .algorithm = 2, .makes_product = true};
  Identity data, model;  ///< a network without the watermark
  long long frequencies = 0, queries = 0;
  double margin = 0;
  long long copies = 0;
  std::string environment;
  long long eval_batch = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("frequencies", frequencies), field("queries", queries),
        field("margin", margin), field("copies", copies), field("environment", environment), field("eval_batch", eval_batch);
  }
};

/// A task that asks a planned network.
study::Task<NearDecisions> near_decisions(const Plan& plan, const StudyInputs& inputs, const PlannedTraining& network,
                                          const watermark::BiasSettings& settings);

}  // namespace telltale::experiments
