#include "experiments/new_label/twist.h"

#include "study/cells.h"

namespace telltale::experiments {

Parameter twist_key() {
  return {.name = "twist",
          .type = ValueType::flag,
          .fallback = "no",
          .help =
              "set every marked network beside the clean one of its repeat: how far the margins between the "
              "original classes move"};
}

void plan_twist(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                const std::vector<PlannedTraining>& trainings) {
  const study::Job& job = inputs.job;
  const Grid marked = ownership.marked_cases(job), cases = ownership.cases(job);
  if (!job.flag("twist") || marked.size() == 0) return;
  add_stage(plan,
            {"twist",
             "every marked network beside the clean one of its repeat: what became of the margins between the classes "
             "that both have",
             marked,
             {{"changed", "changed", "share of the test images of which another of these classes is the likeliest"},
              {"mean_change", "mean_change", "mean magnitude of the margin's change over the test images, in logits"}},
             {},
             {}},
            [&](const Grid::Point& point) {
              const PlannedTraining& training = trainings[case_at(cases, point, {})];
              const std::size_t clean = trainings[case_at(cases, point, {{"scheme", "clean"}})].task;
              return study::Task<Twist>{{inputs.data->content_hash(), plan.tasks[training.task].identity,
                                         plan.tasks[clean].identity, training.environment, job.integer("eval-batch")},
                                        {training.task, clean},
                                        training.environments,
                                        2 * static_cast<double>(inputs.data->test().count) * training.image_s};
            });
}

store::Group twist_group(const Stage& stage, const OutcomeLookup& outcome) {
  store::Group group = study::group_of(stage, outcome);
  Grid({study::counted_axis("percent", Twist::quantiles, 0, "quantile, in percent")}).declare(group);
  add_variable(group, stage.grid, "change", {"percent"},
               study::gathered(stage, outcome, "change", {Twist::quantiles}, study::missing),
               "quantiles of the margin's change over the test images, marked less clean, in logits");
  return group;
}

study::Table twist_table(const store::Group& twist) {
  const auto dimensions = study::without(study::Cells(twist, "changed").dimensions(), {"repeat"});
  study::Table table =
      study::means_table(twist, "Twist of the boundaries between the original classes (Zhong et al. 2020, Fig. 2)",
                         dimensions, {{"changed", "changed answers %"}});
  table.columns.emplace_back("mean change of margins");
  const auto changes = study::gather_repeats(study::Cells(twist, "mean_change"), dimensions);
  for (auto& row : table.rows) {
    const std::vector<std::string> key(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(dimensions.size()));
    row.push_back(study::decimals(study::mean(changes.values.at(key)), 3));
  }
  table.notes = {
      "Test images, by the outputs that the clean network has too; margins in logits; means over the repeats."};
  return table;
}

}  // namespace telltale::experiments
