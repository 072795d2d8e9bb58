// What an experiment is: its keys, how a job becomes stages of tasks, and how outcomes become named arrays and tables.
//
// The engine knows no experiment by name. Adding one is a folder in src/experiments and a line in its registry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "forensics/fingerprint.h"
#include "store/results_file.h"
#include "study/environments.h"
#include "study/job.h"
#include "study/plan.h"
#include "study/table.h"
#include "study/tabulate.h"

namespace telltale::study {

/// Everything a plan depends on.
struct StudyInputs {
  const Job& job;
  const data::Dataset* data = nullptr;  ///< nullptr where the experiment needs none
  const data::OtherData& other_data;    ///< those that Experiment::other_data() names
  const Environments& environments;
  const Binding& binding;
};

class Experiment {
 public:
  virtual ~Experiment() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// One line: what is studied, and whose paper that was.
  [[nodiscard]] virtual std::string help() const = 0;

  /// Its own keys, in the order in which their axes vary.
  [[nodiscard]] virtual std::vector<ParameterGroup> keys() const = 0;
  [[nodiscard]] virtual bool needs_data() const { return true; }
  /// Names of the data sets that the job uses beside its own (`dataset`): read whole.
  [[nodiscard]] virtual std::vector<std::string> other_data(const Job& job) const {
    static_cast<void>(job);
    return {};
  }

  /// Refuses, through Job::refuse, what the job alone shows to be impossible.
  virtual void check(const Job& job) const { static_cast<void>(job); }

  /// What the environments' fingerprints must cover: every network, batch size and format that the study uses.
  /// `data`: nullptr where only a job is known, as to `telltale probe`.
  [[nodiscard]] virtual std::vector<forensics::Subject> subjects(const Job& job, const data::Dataset* data) const = 0;

  /// The stages and the number of cases. Throws InputError for settings that the data cannot serve (an alpha that
  /// selects no image).
  [[nodiscard]] virtual Plan plan(const StudyInputs& inputs) const = 0;

  /// The groups of the results file that hold the scientific content.
  [[nodiscard]] virtual std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                           const OutcomeLookup& outcome) const = 0;

  /// Keys of the papers whose published numbers belong to this experiment: src/experiments/published.
  [[nodiscard]] virtual std::vector<std::string> papers() const { return {}; }

  /// The paper's tables beside the measured ones, from a results file of this experiment.
  [[nodiscard]] virtual std::vector<Table> report(const store::Group& root) const = 0;
};

/// Every experiment there is. Defined by the room `experiments`: the engine is linked with one such registry.
const std::vector<std::unique_ptr<Experiment>>& all_experiments();

/// Throws InputError, naming those that there are, for an unknown name.
const Experiment& experiment_named(const std::string& name);

}  // namespace telltale::study
