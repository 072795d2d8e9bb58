// Runs or resumes a study on all its ranks, from the journal's lock to the published results file.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cluster/coordinator.h"
#include "core/exit_code.h"
#include "study/session.h"

namespace telltale::study {

struct RunOptions {
  std::string output;
  std::string break_lock;                         ///< a host: the lock that a run there holds on the output is broken
  Computing computing;                            ///< empty on a rank that only coordinates
  const std::atomic<int>* stop_signal = nullptr;  ///< set by a signal handler: commit, stop, resumable
  std::atomic<bool>* end_may_be_moved = nullptr;  ///< likewise: Slurm is asked anew when this job ends
  std::function<void(const std::string&)> say = [](const std::string&) {};      ///< coordinator only: a line
  std::function<void(const cluster::Progress&)> progress = [](const auto&) {};  ///< coordinator only
};

/// A task that failed, in words.
struct Failure {
  std::string task;
  std::string reason;
};

struct RunReport {
  std::size_t tasks = 0, done = 0, failed = 0, remaining = 0, reused = 0;
  std::vector<Failure> failures;
  std::vector<std::string> notes;  ///< ranks set aside, damaged records, environments that are missing
  bool stopped = false;
  std::string stop_reason;
  std::string taken_over;       ///< why another run has this study now; nothing is published then
  double seconds = 0;           ///< the whole run; of it:
  double plan_s = 0;            ///< reading the journal, planning (an identity for each task), opening the store
  double tasks_s = 0;           ///< from the first hand-out until the last outcome is on disk
  double results_s = 0;         ///< building and publishing the results file at the end
  double median_commit_s = 0;   ///< from a record's arrival in the journal until it is on disk
  std::uint64_t questions = 0;  ///< of searches, that ranks answered in this run
  std::size_t answerers = 0;    ///< ranks that answered any
  double answering_s = 0;       ///< that they computed for them, all together
  bool stuck = false;           ///< a task's thread still runs, and uses what it was given
  bool frozen = false;          ///< a rank does not leave by itself: all have to be ended

  /// Of the time of the ranks that answered, from the first hand-out on: the rest they trained, replayed or waited.
  [[nodiscard]] double answering_share() const {
    const double available_s = static_cast<double>(answerers) * tasks_s;
    return available_s > 0 ? answering_s / available_s : 0;
  }
  [[nodiscard]] ExitCode exit_code() const {
    if (!taken_over.empty()) return ExitCode::taken_over;
    if (stopped || remaining > 0) return stopped_early;
    return failed > 0 ? some_failed : all_done;
  }
};

/// Collective: every rank calls it. The report is filled on the coordinator only. Throws SharedInputError, on every
/// rank, for input that cannot be used: nothing has been changed then. Any other shared error comes from the
/// coordinator, and the other ranks have been told to end.
RunReport run_study(Job job, cluster::Communicator& communicator, const RunOptions& options);

}  // namespace telltale::study
