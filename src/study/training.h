// The training of one case: its definition as a task, shared by every experiment, so that a model trained for one job
// file is the model of every other that asks for the same.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/work.h"
#include "data/dataset.h"
#include "models/network_spec.h"
#include "study/experiment.h"
#include "study/grid.h"

namespace telltale::models {
class Network;
}

namespace telltale::study {

/// Raised when a change of the algorithm changes models: part of every training's identity.
inline constexpr int train_version = 1;

/// The keys that a training without a watermark depends on, in the order of the key table.
const std::vector<std::string>& training_keys();

/// The axes of a job that have these keys, in the order of the key table.
std::vector<Axis> axes_of(const Job& job, const std::vector<std::string>& keys);

/// The values of a job's keys in one case: those of its axes at a point of `grid`, and the job's only one of all
/// others. Refers to job and grid, which must outlive it.
class CaseValues {
 public:
  CaseValues(const Job& job, const Grid& grid, std::size_t index) : job_(job), grid_(grid), point_(grid, index) {}

  [[nodiscard]] std::string text(const std::string& key) const { return value_of(job_, point_, grid_, key); }
  [[nodiscard]] double number(const std::string& key) const;
  [[nodiscard]] long long integer(const std::string& key) const;
  [[nodiscard]] long long repeat() const { return point_.integer("repeat"); }
  [[nodiscard]] std::string label() const { return point_.label(); }
  [[nodiscard]] const Job& job() const { return job_; }

 private:
  const Job& job_;
  const Grid& grid_;
  Grid::Point point_;
};

/// The network of a case. Options (`shortcut`, `pool`) that have the network's default stay out of the description, so
/// that it has one identity.
models::NetworkSpec network_of(const CaseValues& values, const data::ImageShape& input, int classes);

/// Every network that the job's values come to, each once. Throws InputError, naming the key, if there is no such
/// network, if it does not fit the input, or if an option is set that one of the networks does not have.
std::vector<models::NetworkSpec> networks_of(const Job& job, const data::ImageShape& input, int classes);

/// How a case is trained, as its task's payload holds it.
Json recipe_of(const CaseValues& values);

/// What the fingerprint of a rank that trains must cover.
forensics::Subject training_subject(const models::NetworkSpec& network, long long batch, long long eval_batch);

/// Where a case's tasks run, and what that is in their identity.
struct Placement {
  std::vector<int> environments;
  std::string identity;  ///< "any" where the environment is no part of the identity
  int rates = 0;         ///< index of the environment whose rates estimate the cost
};

/// A training in a plan.
struct PlannedTraining {
  std::size_t task = 0;  ///< index into the plan
  Placement placement;   ///< for what else is bound to the environment of the training
  double image_s = 0;    ///< estimated seconds of one image's evaluation there
};

/// Adds the training of a case to `plan` unless it is there. `scheme` is {"method": "clean"}, or what key samples are
/// made of (see key_samples.h). Placed as the binding says.
PlannedTraining plan_training(Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                              const models::NetworkSpec& network, const Json& scheme);

/// The same of a network without a watermark.
PlannedTraining plan_clean_training(Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                                    const models::NetworkSpec& network);

/// Computes a `train` task; goes on from its last checkpoint. Its values: train_loss, train_accuracy, epoch_accuracy,
/// epoch_key_accuracy (NaN without a watermark), each by epoch, and model_sha256.
cluster::TaskResult run_training(const Json& task, const data::Dataset& data, cluster::TaskContext& context);

/// The last few models that a rank was asked for, decoded: tasks of one model follow each other.
class ModelCache {
 public:
  /// The product of the training of that identity. Whoever changes it copies it before.
  std::shared_ptr<models::Network> get(const Identity& training, cluster::TaskContext& context);

 private:
  static constexpr std::size_t most = 4;
  std::list<std::pair<Identity, std::shared_ptr<models::Network>>> models_;
};

/// A value that is kept by epoch, and what it means.
struct Curve {
  const char* name;
  const char* help;
};

/// Adds `model_sha256`, `model_task` (where the model is) and these curves of every case's training to a group that has
/// the cases' dimensions already.
void add_training_variables(store::Group& group, const Grid& cases, const std::vector<std::size_t>& training,
                            const Job& job, const OutcomeLookup& outcome, const std::vector<Curve>& curves);

/// The group `train` of an experiment whose networks have no watermark: accuracy, hashes and curves of every case.
store::Group clean_train_group(const std::string& description, const Grid& cases,
                               const std::vector<std::size_t>& training, const Job& job, const OutcomeLookup& outcome);

}  // namespace telltale::study
