// One start of a study on all its ranks: data shared on each node, environments known, the plan made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/communicator.h"
#include "cluster/node_share.h"
#include "data/dataset.h"
#include "study/computing.h"
#include "study/environments.h"
#include "study/experiment.h"
#include "study/job.h"
#include "study/plan.h"
#include "study/records.h"

namespace telltale::study {

/// What every rank has once all have come together.
struct Session {
  Job job;
  const Experiment* experiment = nullptr;
  std::unique_ptr<data::Dataset> data;  ///< shared by the ranks of a node; empty where the experiment needs none
  data::OtherData other_data;           ///< likewise: what the job uses beside it
  std::vector<forensics::RankReport> ranks;
  std::vector<bool> computes;  ///< by rank: false for a coordinator that only coordinates
  Environments environments;
  Binding binding;
  Plan plan;
  std::vector<std::string> notes;  ///< what the user should hear of how the study goes on

  [[nodiscard]] StudyInputs inputs() const { return {job, data.get(), other_data, environments, binding}; }
};

/// Collective. Every rank's passport, and its fingerprints of `subjects` (of none where it does not compute).
std::vector<forensics::RankReport> gather_reports(cluster::Communicator& communicator,
                                                  const std::vector<forensics::Subject>& subjects,
                                                  const Computing& computing);

/// Collective. Loads the data once a node, takes the fingerprints, gathers them. Every rank throws the same
/// SharedInputError when any of them cannot take part. The environments, the binding and the plan are still empty.
/// A coordinator that only coordinates computes nothing, whatever it could. Any other rank needs `computing`, where the
/// experiment has subjects.
Session gather(Job job, cluster::Communicator& communicator, const Computing& computing);

/// Throws InputError where this rank should compute and has nothing to do it with.
void require_computing(const Session& session, const cluster::Communicator& communicator, const Computing& computing);

/// Coordinator only. Places the ranks in the environments of the journal's head, or finds and binds them anew, and
/// makes the plan. Throws InputError when the head is of another job or other data (says what differs), or when no
/// rank has the environment that the study is bound to.
void make_plan(Session& session, const StudyRecords* records);

/// A study planned again from its journal, on no rank: for what is read out of it. Loads its data, from `data_dir` if
/// that is not empty. Throws InputError if these are other data than it began with.
Session reopened(const StudyRecords& records, const std::string& data_dir);

/// The head record of a study that starts for the first time.
Json head_of(const Session& session);

/// Counts and estimated seconds of a plan by stage: {"train": {"tasks": 65, "cost_s": 1500.0}, ...}.
Json plan_totals(const Plan& plan);

}  // namespace telltale::study
