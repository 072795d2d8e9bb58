#include "experiments/runners.h"

#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"

namespace telltale::experiments {

std::shared_ptr<models::Network> ModelCache::get(const Identity& training, cluster::TaskContext& context) {
  for (auto entry = models_.begin(); entry != models_.end(); ++entry) {
    if (entry->first != training) continue;
    models_.splice(models_.begin(), models_, entry);
    return models_.front().second;
  }
  models_.emplace_front(training, models::load_network(*context.artifact(training)));
  if (models_.size() > most) models_.pop_back();
  return models_.front().second;
}

const data::Dataset& RankState::planned_data(const Identity& content_hash) const {
  if (data == nullptr || data->content_hash() != content_hash)
    throw Error("this rank holds other data than the task was planned for");
  return *data;
}

void Runners::set_threads_to_one() { models::set_threads_to_one(); }

cluster::TaskResult Runners::run(ByteSpan payload, RankState& rank, cluster::TaskContext& context) const {
  const Json task = Json::parse(as_text(payload));
  const std::string kind = task.at("kind");
  const auto runner = by_kind_.find(kind);
  if (runner == by_kind_.end()) throw Error("unknown kind of task: " + kind);
  return runner->second(task, rank, context);
}

cluster::Executor make_executor(const data::Dataset* data, const data::OtherData& others) {
  auto runners = std::make_shared<Runners>();
  for (const auto add :
       {add_training_runners, add_classification_runners, add_ownership_runners, add_look_runners,
        add_false_claim_runners, add_machine_runners, add_near_decision_runners, add_new_label_runners,
        add_aime_runners, add_compare_runners, add_boundary_runners, add_piracy_runners, add_empty_runners})
    add(*runners);
  auto rank = std::make_shared<RankState>(RankState{data, others, {}, {}});
  return [runners, rank](ByteSpan payload, cluster::TaskContext& context) {
    return runners->run(payload, *rank, context);
  };
}

cluster::Responder make_responder() { return boundary_responder(); }

}  // namespace telltale::experiments
