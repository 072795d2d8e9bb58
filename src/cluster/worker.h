// A rank that computes: takes tasks from the coordinator until it is told that the study has ended.
#pragma once

#include <optional>
#include <string>

#include "cluster/communicator.h"
#include "cluster/work.h"

namespace telltale::cluster {

struct WorkerOptions {
  std::string environment;                  ///< name, for the outcomes
  std::optional<double> task_time_limit_s;  ///< for one attempt
  /// How long past its limit a task may go on without calling check() before its thread is given up and the rank with
  /// it.
  double time_limit_grace_s = 10;
  /// How long a running task may take to end once the study stops, before the rank leaves without it.
  double stop_grace_s = 20;
  double checkpoint_interval_s = 60;
  /// A rank (the coordinator among them) that says nothing for so long is taken for frozen: the study stops. 0: never.
  double rank_timeout_s = 0;
  std::size_t cache_bytes = std::size_t{512} << 20;  ///< of artifacts in memory

  // Questions between ranks; only where tasks ask.
  Responder responder;                   ///< empty: this rank cannot answer
  std::vector<int> environment_of_rank;  ///< where to ask; -1: a rank that computes nothing
  int tasks_asking = 8;                  ///< how many tasks that ask run at once; the same on every rank
};

struct WorkReport {
  bool in_order = true;  ///< false: the coordinator gave up because of an error of its own
  /// A task's thread did not come back and still runs: finalize and call leave_process() while what the executor uses
  /// is still alive.
  bool stuck = false;
};

/// Runs tasks on a thread of its own while this (main) thread serves messages. Returns when the coordinator ends the
/// study; throws Error when the coordinator says nothing any more. For ranks other than 0.
WorkReport work(Communicator& communicator, Executor executor, const WorkerOptions& options);

/// Ends the process with `exit_code`; what was printed is written before. Nothing static is destroyed: a thread that is
/// stuck may use it, and taking LibTorch down takes a tenth of a second.
[[noreturn]] void leave_process(int exit_code);

}  // namespace telltale::cluster
