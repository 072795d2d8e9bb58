// What the tests that run on several ranks share.
#pragma once

#include <optional>
#include <vector>

#include "cluster/coordinator.h"
#include "memory_ledger.h"

namespace telltale::cluster {

/// All ranks of this start.
Communicator& world();

/// As many environments as ranks, all alike; every rank but 0 computes, or rank 0 if it is alone.
inline CoordinatorOptions plain_options() {
  CoordinatorOptions options;
  options.environment_of_rank.assign(static_cast<std::size_t>(world().size()), 0);
  options.environments = {"plain"};
  options.worker.environment = "plain";
  return options;
}

/// Runs the items on all ranks. The summary is rank 0's; the others return an empty one, after work() ended in order.
Summary run_on_all(const std::vector<WorkItem>& items, MemoryLedger& ledger, const Executor& executor,
                   const CoordinatorOptions& options, const std::vector<std::optional<TaskStatus>>& known = {});

}  // namespace telltale::cluster
