#include "experiments/aime/aime.h"
#include "experiments/classification.h"

namespace telltale::experiments {
namespace {

using study::Job;

// Every key put to the network that holds it, to its clean network, and to those of the other repeats, which differ in
// their initial weights, in the order of their images and in their key.
void plan_integrity(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                    const std::vector<PlannedTraining>& trainings) {
  const Job& job = inputs.job;
  const Grid cases = ownership.cases(job), marked = ownership.marked_cases(job);
  if (marked.size() == 0) return;
  const Grid grid =
      marked * Grid({ownership.suspect_axis(job), study::counted_axis("suspect_repeat", job.integer("repeats"), 0,
                                                                      "repeat of the network that was asked")});
  add_stage(plan,
            {"integrity",
             "every key, put to the network that holds it, to the clean network that it was made from, and to those of "
             "other repeats",
             grid,
             {{"least_margin", "least_margin",
               "least of the key's images: by how much the logit of its label exceeds all others"}},
             {{"keys", "keys", "images of the key"},
              {"key_matches", "matches", "of them, answered with the key's label"},
              {"true_matches", "true_matches", "of them, answered with the image's true class"}},
             {}},
            [&](const Grid::Point& point) {
              const std::size_t answers = trainings[case_at(cases, point, {})].answers.value();
              const PlannedTraining& suspect = trainings[ownership.suspect_at(cases, job, point)];
              const Json key = ownership.settings(CaseValues(job, point), false, &inputs.other_data);
              return study::Task<Extract>{
                  {inputs.data->content_hash(), plan.tasks[suspect.task].identity, key, plan.tasks[answers].identity,
                   suspect.environment, job.integer("eval-batch")},
                  {suspect.task, answers},
                  suspect.environments,
                  static_cast<double>(job.integer("eval-batch")) * suspect.image_s};
            });
}

// Of every case: a network that was embedded into started from its clean one, a clean one from itself.
void plan_weights(Plan& plan, const Grid& cases, const std::vector<PlannedTraining>& trainings) {
  add_stage(plan,
            {"weights",
             "weights of every network beside those of the clean network that it started from (a clean network: its "
             "own)",
             cases,
             {},
             {},
             {}},
            [&](const Grid::Point& point) {
              const std::size_t model = trainings[point.index()].task;
              const auto& needs = plan.tasks[model].prerequisites;
              const std::size_t start = needs.empty() ? model : needs.front();
              return study::Task<CompareWeights>{
                  {plan.tasks[model].identity, plan.tasks[start].identity}, {model, start}, {}, 0.05};
            });
}

}  // namespace

Aime::Aime() : OwnershipExperiment({{"aime", "clean"}, {"prune", "fine-tune"}, ""}) {}

std::vector<ParameterGroup> Aime::keys() const {
  return {training_keys(), ownership_.scheme_keys(), ownership_.attack_keys()};
}

Plan Aime::plan(const StudyInputs& inputs) const {
  ownership_.check(inputs);
  Plan plan;
  const auto trainings = ownership_.plan(plan, inputs);
  const Grid cases = ownership_.cases(inputs.job);
  plan_confusion(plan, inputs, cases, trainings);
  plan_integrity(plan, inputs, ownership_, trainings);
  plan_weights(plan, cases, trainings);
  return plan;
}

}  // namespace telltale::experiments
