// The experiment of Zhong et al. 2020, "A New Label Helps": networks watermarked by a new label, by the rival's noise
// backdoor (Zhang et al. 2018), and not at all; trained over a grid, queried, pruned, and compared between
// environments.
//
// Tasks: `train` makes a model; `evaluate` asks it (as it is, or pruned) for test images and key samples; `predict`
// asks it for the first test images on one environment.
#pragma once

#include "cluster/work.h"
#include "study/experiment.h"
#include "study/grid.h"

namespace telltale::study {

class NewLabel final : public Experiment {
 public:
  [[nodiscard]] bool needs_data() const override { return true; }
  [[nodiscard]] std::vector<Axis> axes(const Job& job) const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const Job& job) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<Table> report(const store::Group& root) const override;
};

namespace new_label {

/// Raised when a change of the algorithm changes results: part of every identity.
inline constexpr int evaluate_version = 1;
inline constexpr int predict_version = 1;

/// The tasks of a study by their place in its grids.
struct Layout {
  Grid cases;                           ///< the axes that a training depends on, and the repeat
  Grid attacks;                         ///< scope x pruning rate; empty where nothing is pruned
  Grid batches;                         ///< batch sizes of the predictions
  std::vector<std::size_t> training;    ///< by case: index into the plan
  std::vector<std::size_t> unattacked;  ///< by case: its evaluation as it is
  std::vector<std::size_t> attacked;    ///< by case, then attack
  std::vector<std::size_t> predicted;   ///< by environment, then batch size
};

/// Adds the tasks of a job to `plan`, one place for planning and tabulating.
Layout lay_out(const StudyInputs& inputs, Plan& plan);

/// See make_executor().
cluster::Executor executor(const data::Dataset& data);

}  // namespace new_label

}  // namespace telltale::study
