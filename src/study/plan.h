// The plan: the directed graph of tasks that a job comes to, before anything runs, and the stages that they belong to.
// It is laid out once: what plans, counts, tabulates and reports looks tasks up here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.h"
#include "study/grid.h"
#include "study/payload.h"

namespace telltale::study {

/// One task: a pure function of its payload. Its identity is the payload's hash, so that two cases (or two job files)
/// that need the same product share one task.
struct PlannedTask {
  Identity identity;
  std::string stage;                       ///< the first stage that asked for it: "train", "prune", ...
  Json payload;                            ///< everything that determines the task
  Json hints;                              ///< what its rank needs beside, and what changes no result; null: nothing
  double cost_s = 0;                       ///< estimated seconds on the environment that will compute it
  std::vector<std::size_t> prerequisites;  ///< indices into Plan::tasks
  std::vector<int> environments;           ///< indices of the environments that may compute it; empty: any
  bool has_artifact = false;               ///< its product is kept in the artifact store
  bool asks = false;                       ///< asks other ranks, and mostly waits for them (cluster/work.h)
  bool keeps_checkpoints = false;          ///< when it is stopped, it goes on later where it was
};

/// A float64 variable of the results with a value of each task.
struct Measure {
  const char* variable;  ///< its name in the results
  const char* value;     ///< of the outcome
  const char* help;
  const char* units = "1";
};

/// An int64 variable of the results with a value of each task; -1 where there is none.
struct Count {
  const char* variable;
  const char* value;
  const char* help;
};

/// The tasks of one purpose, a task or none for each point of a grid.
struct Stage {
  std::string name;  ///< also of its group in the results, if it has one
  std::string help;  ///< description of that group
  Grid grid;
  std::vector<Measure> measures;                  ///< what its group holds of each task
  std::vector<Count> counts;                      ///< likewise
  std::vector<std::optional<std::size_t>> tasks;  ///< by point; none where a combination has no meaning
};

struct Plan {
  std::vector<PlannedTask> tasks;
  std::deque<Stage> stages;  ///< in the order in which they were laid out; a reference stays good
  std::size_t cases = 0;
  std::vector<std::string> notes;  ///< what of the job is left out, and why: lines for `telltale plan`

  /// Throws Error if there is no stage of that name.
  [[nodiscard]] const Stage& stage(const std::string& name) const;
  /// nullptr if there is none.
  [[nodiscard]] const Stage* find_stage(const std::string& name) const;

  /// Makes room for so many tasks.
  void reserve(std::size_t count);
  /// Adds a task unless an equal one is there; its index either way.
  std::size_t add(PlannedTask task);

 private:
  std::unordered_map<Identity, std::size_t> index_;
};

/// A task as an experiment asks for it.
template <Payload P>
struct Task {
  P payload;
  std::vector<std::size_t> needs;  ///< indices into Plan::tasks: their products are inputs
  std::vector<int> environments;   ///< that may compute it; empty: any
  double cost_s = 0;
};

/// Adds a task to the plan for `stage`.
template <Payload P>
std::size_t add_task(Plan& plan, const std::string& stage, Task<P> task) {
  constexpr TaskKind kind = P::kind;
  Json hints = hints_of(task.payload);
  return plan.add({.identity = {},
                   .stage = stage,
                   .payload = payload_of(std::move(task.payload)),
                   .hints = std::move(hints),
                   .cost_s = task.cost_s,
                   .prerequisites = std::move(task.needs),
                   .environments = std::move(task.environments),
                   .has_artifact = kind.makes_product,
                   .asks = kind.asks,
                   .keeps_checkpoints = kind.keeps_checkpoints});
}

/// Lays a stage out: `task` makes the task of a point of its grid, or none. The reference stays good.
template <typename MakeTask>
const Stage& add_stage(Plan& plan, Stage stage, const MakeTask& task) {
  for (std::size_t point = 0; point < stage.grid.size(); ++point) {
    std::optional made = task(stage.grid.point(point));  // of a Task, or of an optional one
    stage.tasks.push_back(made ? std::optional(add_task(plan, stage.name, std::move(*made))) : std::nullopt);
  }
  plan.stages.push_back(std::move(stage));
  return plan.stages.back();
}

/// The version of each kind of task's algorithm, by the kind's name.
std::map<std::string, int> algorithms_of(const Plan& plan);

/// The axes along which the stages' grids extend, each once, in the order of the stages.
std::vector<Axis> axes_of(const Plan& plan);

}  // namespace telltale::study
