#include "experiments/classification.h"

#include <algorithm>

#include "study/axis.h"

namespace telltale::experiments {

study::Task<Classify> classify(const Plan& plan, const StudyInputs& inputs, const PlannedTraining& training,
                               const std::string& split) {
  const data::Split& images = split == "train" ? inputs.data->train() : inputs.data->test();
  return {{inputs.data->content_hash(), plan.tasks[training.task].identity, split, training.environment,
           inputs.job.integer("eval-batch")},
          {training.task},
          training.environments,
          static_cast<double>(images.count) * training.image_s};
}

void plan_confusion(Plan& plan, const StudyInputs& inputs, const Grid& cases,
                    const std::vector<PlannedTraining>& trainings) {
  const Grid grid =
      cases *
      Grid({study::named_axis("split", "images that were asked: of the training or the test set", {"train", "test"})});
  add_stage(plan, {"confusion", "what every trained network answers to the images of each class", grid, {}, {}, {}},
            [&](const Grid::Point& point) {
              return classify(plan, inputs, trainings[point.leading(cases.axes().size())], point.text("split"));
            });
}

store::Group confusion_group(const Stage& stage, const data::Dataset& data, const OutcomeLookup& outcome) {
  store::Group group = study::group_over(stage.grid, stage.name, stage.help);
  const auto classes = static_cast<std::size_t>(data.classes());
  // A network of more outputs than classes: the widest decides.
  std::size_t outputs = classes;
  for (const auto& task : stage.tasks)
    if (const Outcome* asked = study::done(outcome, task))
      outputs = std::max(outputs, asked->values.at("confusion").elements() / classes);
  Grid({study::counted_axis("class", data.classes(), 0, "true class")}).declare(group);
  Grid({study::counted_axis("answer", static_cast<std::int64_t>(outputs), 0, "class that the network answered")})
      .declare(group);
  std::vector<std::int64_t> counts;
  std::vector<double> accuracies;
  for (const auto& task : stage.tasks) {
    const Outcome* asked = study::done(outcome, task);
    if (asked == nullptr) {
      counts.insert(counts.end(), classes * outputs, -1);
      accuracies.insert(accuracies.end(), classes, study::missing);
      continue;
    }
    const auto matrix = asked->values.at("confusion").as<std::int64_t>();
    const std::size_t width = matrix.size() / classes;
    for (std::size_t row = 0; row < classes; ++row) {
      std::int64_t all = 0;
      for (std::size_t column = 0; column < outputs; ++column) {
        counts.push_back(column < width ? matrix[row * width + column] : 0);
        all += counts.back();
      }
      accuracies.push_back(all == 0 ? study::missing
                                    : static_cast<double>(matrix[row * width + row]) / static_cast<double>(all));
    }
  }
  study::add_variable(group, stage.grid, "images", {"class", "answer"}, counts,
                      "images of the class that were answered so; -1: not asked yet");
  study::add_variable(group, stage.grid, "class_accuracy", {"class"}, accuracies,
                      "share of the images of the class that were classified correctly", "1");
  return group;
}

}  // namespace telltale::experiments
