// Rank 0: hands out the tasks of a plan, puts what comes back into the ledger, and says how it went.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/communicator.h"
#include "cluster/progress.h"
#include "cluster/scheduler.h"
#include "cluster/work.h"
#include "cluster/worker.h"
#include "core/outcome.h"

namespace telltale::cluster {

struct CoordinatorOptions {
  std::vector<int> environment_of_rank;   ///< one a rank; every rank computes, rank 0 if it is alone or `works`
  std::vector<std::string> environments;  ///< names
  std::vector<double> speeds;             ///< by environment, relative to 1; empty: all 1
  bool works = false;                     ///< rank 0 computes beside its office
  double lookahead_s = 0.25;              ///< estimated work that a rank is kept supplied with
  int retries = 1;                        ///< further attempts of a failed task
  /// Until the study stops; it is asked before anything is begun. Infinity: nothing limits it.
  std::function<double()> time_left_s = [] { return Scheduler::no_limit; };
  std::function<void(const Progress&)> progress;
  double progress_interval_s = 1;
  /// 0, or the number of the signal that asks the study to stop.
  const std::atomic<int>* stop_signal = nullptr;
  /// Rank 0's own worker; its stop_grace_s is also how long the coordinator waits for running tasks once it stops. Give
  /// every rank the same.
  WorkerOptions worker;
};

struct TaskFailure {
  std::size_t index = 0;
  std::string reason;
};

/// What a rank answered of other tasks' questions.
struct Served {
  std::uint64_t questions = 0;
  double seconds = 0;  ///< that it computed for them
};

struct Summary {
  std::size_t done = 0;    ///< all on disk, earlier runs included
  std::size_t failed = 0;  ///< likewise
  std::size_t remaining = 0;
  std::vector<TaskFailure> failures;  ///< of this run
  std::vector<RankSetAside> ranks_set_aside;
  bool stopped = false;        ///< something remains
  std::string reason;          ///< why
  std::vector<double> busy_s;  ///< by rank: time inside tasks whose outcome came back
  std::vector<Served> served;  ///< by rank
  double wall_s = 0;
  bool stuck = false;   ///< a task's thread still runs in this process: see leave_process()
  bool frozen = false;  ///< a rank says nothing any more and will not leave by itself: all have to be ended
};

/// Runs every item of `items` that `known` (what earlier runs decided, by index; empty: nothing) does not hold, on the
/// ranks that meanwhile are in work(), and on this one where the options say so. Rank 0 only.
///
/// Outcomes are committed as the worker encoded them; those of tasks that were stopped are not, failures only when they
/// are final. Items that need a failed one fail with it. Throws Error when the ledger does (a full disk), and for a
/// plan that cannot be scheduled. Whatever it throws, the workers have been told to end.
Summary coordinate(Communicator& communicator, const std::vector<WorkItem>& items,
                   const std::vector<std::optional<TaskStatus>>& known, Ledger& ledger, Executor local,
                   const CoordinatorOptions& options);

}  // namespace telltale::cluster
