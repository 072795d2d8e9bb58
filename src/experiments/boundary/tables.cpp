#include "experiments/boundary/attempts.h"

namespace telltale::experiments {

std::vector<store::Group> Boundary::tabulate(const StudyInputs& inputs, const Plan& plan,
                                             const OutcomeLookup& outcome) const {
  const boundary::Setup setup = boundary::setup_of(inputs);
  const Stage& train = plan.stage("train");
  const auto attempts = boundary::attempts_of(inputs, setup, plan, outcome);
  std::vector<store::Group> groups{
      clean_train_group("the networks whose boundaries are searched", train, inputs.job, outcome),
      boundary::attempts_group(inputs, setup, plan, attempts, outcome),
      boundary::summary_group(setup, train.grid, attempts), boundary::sets_group(setup, train.grid, attempts)};
  if (inputs.job.flag("steps")) groups.push_back(boundary::steps_group(attempts));
  return groups;
}

}  // namespace telltale::experiments
