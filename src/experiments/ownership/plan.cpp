// The stages of ownership: networks of every case, what they are asked as they are and after attacks, and the control.
#include <algorithm>

#include "core/error.h"
#include "experiments/ownership/false_claims.h"
#include "experiments/ownership/machines.h"
#include "experiments/ownership/ownership.h"
#include "experiments/settings.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::Count;
using study::Job;
using study::Measure;

// The scheme of the job that marks nothing; nullptr if it has none.
const std::string* clean_scheme_of(const Job& job) {
  const auto& schemes = job.values("scheme");
  const auto clean = std::find_if_not(schemes.begin(), schemes.end(),
                                      [](const std::string& name) { return watermark::scheme_named(name).marks(); });
  return clean == schemes.end() ? nullptr : &*clean;
}

}  // namespace

std::vector<PlannedTraining> Ownership::plan(Plan& plan, const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid grid = cases(job);
  const auto trainings =
      plan_trainings(plan, inputs, grid, [&](const CaseValues& values) { return marked(values, inputs); });

  const auto evaluate = [&](const CaseValues& values, Json attack, double attack_s = 0) {
    const PlannedTraining& training = trainings[values.point().leading(grid.axes().size())];
    const bool is_marked = watermark::scheme_named(values.text("scheme")).marks();
    return evaluation(plan, inputs, values, training, is_marked, training.answers, std::move(attack), attack_s);
  };
  add_stage(plan, {"evaluate", "every case: the trained model as it is", grid, measures(), counts(), {}},
            [&](const Grid::Point& point) { return evaluate(CaseValues(job, point), untouched()); });
  plan.cases = grid.size();
  if (control_.empty()) plan_control(plan, inputs, trainings);
  Strangers judges;
  if (claims(job) && job.integer("null-models") > 0) judges = plan_nulls(plan, inputs, trainings);
  if (has_false_claims(job)) plan_false_claims(plan, inputs, trainings, judges);
  if (reads_on_machines(job)) plan_machines(plan, inputs, trainings);
  for (const watermark::Attack* attack : attacks_) {
    if (!is_on(*attack, job)) continue;
    const Grid attacked = attack_grid(*attack, grid, job);
    add_stage(plan, {attack->name(), attack->help(), attacked, measures_after(*attack), counts(), {}},
              [&](const Grid::Point& point) -> std::optional<study::Task<Evaluate>> {
                const CaseValues values(job, point);
                const std::optional<Json> done = attack_settings(*attack, job, point);
                if (!done) return {};
                if (*done == untouched()) return evaluate(values, *done);
                const auto training = attack->training(*done, data.test().count);
                const double trained = static_cast<double>(training.images) * static_cast<double>(training.epochs);
                return evaluate(values, *done, trained * trainings[point.leading(grid.axes().size())].trained_image_s);
              });
    plan.cases = std::max(plan.cases, attacked.size());
  }
  return trainings;
}

Trained Ownership::marked(const CaseValues& values, const StudyInputs& inputs) const {
  const data::Dataset& data = *inputs.data;
  const watermark::Scheme& scheme = watermark::scheme_named(values.text("scheme"));
  return {network_of(values, data.shape(), scheme.outputs(data.classes())), settings(values, false, &inputs.other_data),
          tuning_of(values, scheme, network_of(values, data.shape(), data.classes()))};
}

Axis Ownership::suspect_axis(const Job& job) const {
  std::vector<std::string> suspects{"marked"};
  if (clean_scheme_of(job) != nullptr) suspects.emplace_back("clean");
  return study::named_axis("suspect", "network that was asked: with the case's watermark, or the clean one", suspects);
}

std::size_t Ownership::suspect_at(const Grid& cases, const Job& job, const Grid::Point& point) const {
  std::map<std::string, std::string> but_for;
  if (point.text("suspect") == "clean") but_for["scheme"] = *clean_scheme_of(job);
  if (point.has("suspect_repeat")) but_for["repeat"] = point.text("suspect_repeat");
  return case_at(cases, point, but_for);
}

// The clean network of the same repeat and training, asked with the key samples of every scheme.
void Ownership::plan_control(Plan& plan, const StudyInputs& inputs,
                             const std::vector<PlannedTraining>& trainings) const {
  const Job& job = inputs.job;
  const Grid all = cases(job), marked = marked_cases(job);
  const std::string* clean = clean_scheme_of(job);
  if (clean == nullptr || marked.size() == 0) return;

  // What only a marked network was trained on, this one was not; but of some schemes there is nothing else to ask.
  const bool trained_too = !any_has(watermark::Query::fresh);
  std::vector<Measure> asked;
  for (const Measure& measure : measures())
    if (const std::string name = measure.variable;
        (name.starts_with("key_") || name == "signature_recovered") && (trained_too || name != "key_accuracy_trained"))
      asked.push_back(measure);
  std::vector<Count> counted;
  for (const Count& count : counts())
    if (trained_too || !std::string(count.variable).ends_with("_trained")) counted.push_back(count);
  add_stage(plan,
            {"control",
             "the clean network of the same repeat, asked with the key samples of every scheme",
             marked,
             std::move(asked),
             std::move(counted),
             {}},
            [&](const Grid::Point& point) {
              const PlannedTraining& training = trainings[case_at(all, point, {{"scheme", *clean}})];
              return evaluation(plan, inputs, CaseValues(job, point), training, false,
                                trainings[case_at(all, point, {})].answers, untouched());
            });
}

study::Task<Evaluate> Ownership::evaluation(const Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                                            const PlannedTraining& training, bool is_marked,
                                            const std::optional<std::size_t>& answers, Json attack,
                                            double attack_s) const {
  const data::Dataset& data = *inputs.data;
  const auto key_images = inputs.job.integer("key-images");
  const auto test_count = static_cast<double>(data.test().count);
  const double asked_images = test_count + 3 * (key_images > 0 ? static_cast<double>(key_images) : test_count);
  study::Task<Evaluate> task{
      {data.content_hash(), plan.tasks[training.task].identity, settings(values, true, &inputs.other_data), is_marked,
       std::move(attack), key_images, training.environment, inputs.job.integer("eval-batch")},
      {training.task},
      training.environments,
      asked_images * training.image_s + attack_s};
  if (answers) {
    task.payload.answers = plan.tasks[*answers].identity;
    task.needs.push_back(*answers);
  }
  if (is_marked && claims(inputs.job)) {
    const ClaimSettings& claim = task.payload.claim.emplace(ClaimSettings::of(inputs.job));
    if (watermark::scheme_of(task.payload.scheme).secret(task.payload.scheme) == watermark::Secret::images)
      task.cost_s += static_cast<double>(claim.decoys * claim.queries) * training.image_s;
  }
  return task;
}

std::size_t case_at(const Grid& cases, const Grid::Point& point, const std::map<std::string, std::string>& but_for) {
  std::size_t index = 0;
  for (const Axis& axis : cases.axes()) {
    const auto other = but_for.find(axis.key);
    const std::string& label = other == but_for.end() ? point.text(axis.key) : other->second;
    const auto found = std::find(axis.values.begin(), axis.values.end(), label);
    if (found == axis.values.end()) throw Error("the study has no case of " + axis.key + " = " + label);
    index = index * axis.values.size() + static_cast<std::size_t>(found - axis.values.begin());
  }
  return index;
}

}  // namespace telltale::experiments
