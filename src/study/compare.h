// The cross-node comparison (Schloegl, Hofer and Boehme 2023): networks trained once, then the same images predicted on
// every environment, at every batch size, thread count and precision; which machines give the same bits, how far apart
// the others lie, and in which layer they part.
//
// A machine is an environment with a number of threads. Tasks: `train` makes a model; `compare` has one machine
// predict.
#pragma once

#include "cluster/work.h"
#include "models/network_spec.h"
#include "study/experiment.h"
#include "study/grid.h"

namespace telltale::study {

class Compare final : public Experiment {
 public:
  [[nodiscard]] bool needs_data() const override { return true; }
  [[nodiscard]] std::vector<Axis> axes(const Job& job) const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const Job& job) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<Table> report(const store::Group& root) const override;
};

namespace compare {

/// Raised when a change of the algorithm changes results: part of every identity.
inline constexpr int compare_version = 1;

/// What is shown beside the network's own layers: the confidences, which a service may answer with.
inline constexpr const char* softmax_layer = "softmax";

/// The tasks of a study by their place in its grids.
struct Layout {
  Grid cases;                                 ///< network, the other axes that a training depends on, and the repeat
  Axis batches, threads;                      ///< `predict-batch` and `threads`
  std::vector<models::Precision> precisions;  ///< a group of the results each
  std::vector<models::NetworkSpec> networks;  ///< by case
  std::vector<std::size_t> training;          ///< by case: index into the plan
  std::vector<std::size_t> predicted;         ///< by precision, case, batch size, environment, threads
};

/// Adds the tasks of a job to `plan`, one place for planning and tabulating.
Layout lay_out(const StudyInputs& inputs, Plan& plan);

/// See make_executor().
cluster::Executor executor(const data::Dataset& data);

}  // namespace compare

}  // namespace telltale::study
