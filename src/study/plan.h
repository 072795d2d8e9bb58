// The plan: the directed graph of tasks that a job comes to, before anything runs.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.h"

namespace telltale::study {

/// One task: a pure function of its payload. Its identity is the payload's hash, so that two cases (or two job files)
/// that need the same product share one task.
struct PlannedTask {
  Identity identity;
  std::string kind;                        ///< "train", "evaluate", ...
  Json payload;                            ///< everything that determines the task
  double cost_s = 0;                       ///< estimated seconds on the environment that will compute it
  std::vector<std::size_t> prerequisites;  ///< indices into Plan::tasks
  std::vector<int> environments;           ///< indices of the environments that may compute it; empty: any
  bool has_artifact = false;               ///< its product is kept in the artifact store
  bool asks = false;                       ///< asks other ranks, and mostly waits for them (cluster/work.h)
  bool keeps_checkpoints = false;          ///< when it is stopped, it goes on later where it was
};

struct Plan {
  std::vector<PlannedTask> tasks;
  std::size_t cases = 0;

  /// Makes room for so many tasks.
  void reserve(std::size_t count);
  /// Adds a task unless an equal one is there; its index either way.
  std::size_t add(PlannedTask task);

 private:
  std::unordered_map<Identity, std::size_t> index_;
};

}  // namespace telltale::study
