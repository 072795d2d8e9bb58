// What an experiment is: how a job becomes tasks, and how outcomes become named arrays. How a task is computed, which
// takes LibTorch, stands apart: executors.h.
//
// Adding one is a new file with a class, one line in experiment.cpp and one in executors.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/outcome.h"
#include "data/dataset.h"
#include "forensics/fingerprint.h"
#include "store/results_file.h"
#include "study/environments.h"
#include "study/job.h"
#include "study/plan.h"
#include "study/table.h"

namespace telltale::study {

/// Everything a plan depends on.
struct StudyInputs {
  const Job& job;
  const data::Dataset* data = nullptr;  ///< nullptr where the experiment needs none
  const Environments& environments;
  const Binding& binding;
};

/// The outcome of a task by its index in the plan; nullptr while there is none.
using OutcomeLookup = std::function<const Outcome*(std::size_t task)>;

class Experiment {
 public:
  virtual ~Experiment() = default;

  [[nodiscard]] virtual bool needs_data() const = 0;

  /// The axes of a job that this experiment has, in the order of the key table.
  [[nodiscard]] virtual std::vector<Axis> axes(const Job& job) const { return job.axes(); }

  /// What the environments' fingerprints must cover: every network, batch size and format that the study uses.
  [[nodiscard]] virtual std::vector<forensics::Subject> subjects(const Job& job) const = 0;

  /// Cases and tasks. Throws InputError for settings that the data cannot serve (an alpha that selects no image).
  [[nodiscard]] virtual Plan plan(const StudyInputs& inputs) const = 0;

  /// The groups of the results file that hold the scientific content.
  [[nodiscard]] virtual std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                           const OutcomeLookup& outcome) const = 0;

  /// The paper's tables beside the measured ones, from a results file of this experiment.
  [[nodiscard]] virtual std::vector<Table> report(const store::Group& root) const = 0;
};

/// Throws InputError for an unknown name.
std::unique_ptr<Experiment> make_experiment(const std::string& name);

}  // namespace telltale::study
