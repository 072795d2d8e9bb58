// The functions that compute tasks on a rank, by kind of task. All that needs LibTorch is behind them.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cluster/work.h"
#include "core/error.h"
#include "data/dataset.h"
#include "study/payload.h"

namespace telltale::models {
class Network;
}

namespace telltale::experiments {

class ReplayProcess;

/// The last few models that a rank was asked for, decoded: tasks of one model follow each other.
class ModelCache {
 public:
  /// The product of the training of that identity. Whoever changes it copies it before.
  std::shared_ptr<models::Network> get(const Identity& training, cluster::TaskContext& context);

 private:
  static constexpr std::size_t most = 4;
  std::list<std::pair<Identity, std::shared_ptr<models::Network>>> models_;
};

/// What a rank keeps from task to task. Tasks that ask run on threads of their own: for them only the data are there.
struct RankState {
  const data::Dataset* data = nullptr;  ///< nullptr where the experiment needs none
  data::OtherData other_data;
  ModelCache models;
  std::shared_ptr<ReplayProcess> replays;  ///< from the first replay on: boundary/replay_process.h

  /// The data set. Throws Error unless it is the one that the task was planned for.
  [[nodiscard]] const data::Dataset& planned_data(const Identity& content_hash) const;
};

/// One function a kind of task.
class Runners {
 public:
  template <study::Payload P>
  void add(cluster::TaskResult (*compute)(const P&, RankState&, cluster::TaskContext&)) {
    by_kind_[std::string(P::kind.name)] = [compute](const Json& payload, RankState& rank,
                                                    cluster::TaskContext& context) {
      if constexpr (!P::kind.asks) set_threads_to_one();
      return compute(study::task_from<P>(payload), rank, context);
    };
  }

  /// Throws Error for a payload of an unknown kind.
  cluster::TaskResult run(ByteSpan payload, RankState& rank, cluster::TaskContext& context) const;

 private:
  static void set_threads_to_one();

  std::map<std::string, std::function<cluster::TaskResult(const Json&, RankState&, cluster::TaskContext&)>> by_kind_;
};

// Each experiment's own, in its tasks.cpp; runners.cpp calls them.
void add_training_runners(Runners& runners);
void add_classification_runners(Runners& runners);
void add_ownership_runners(Runners& runners);
void add_look_runners(Runners& runners);
void add_false_claim_runners(Runners& runners);
void add_machine_runners(Runners& runners);
void add_near_decision_runners(Runners& runners);
void add_new_label_runners(Runners& runners);
void add_aime_runners(Runners& runners);
void add_compare_runners(Runners& runners);
void add_boundary_runners(Runners& runners);
void add_piracy_runners(Runners& runners);
void add_empty_runners(Runners& runners);

/// Answers the questions of boundary searches; keeps the rank's caches.
cluster::Responder boundary_responder();

/// Computes every kind of task that there is. `data` outlives it.
cluster::Executor make_executor(const data::Dataset* data, const data::OtherData& others);
/// Answers every kind of question.
cluster::Responder make_responder();

}  // namespace telltale::experiments
