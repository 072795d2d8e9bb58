#include <algorithm>

#include "experiments/compare/compare.h"
#include "experiments/predictions.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using study::Job;

// The axes of a training, and `network` even with one value: networks are compared.
Grid case_grid(const Job& job) {
  std::vector<study::Axis> axes = job.axes_of(training_axes());
  if (job.values("network").size() == 1) axes.insert(axes.begin(), job.axis_of("network"));
  return with_repeats(std::move(axes), job);
}

void check_images(const StudyInputs& inputs) {
  const Job& job = inputs.job;
  static_cast<void>(networks_of(job, inputs.data->shape(), inputs.data->classes()));
  if (job.integer("predict-images") == 0)
    job.refuse("predict-images", "experiment compare needs at least one image to predict");
  check_predict_images(job, inputs.data->test().count);
}

}  // namespace

std::vector<ParameterGroup> Compare::keys() const {
  using enum ValueType;
  return {training_keys(),
          {"Predictions on every environment",
           {predict_images_key("how many test images every model predicts on every machine"),
            predict_batch_key(),
            {.name = "threads",
             .type = integer,
             .fallback = "1",
             .help = "threads a prediction is computed with: they change bits",
             .axis = AxisRule::always,
             .least = 1,
             .most = 64},
            precision_key()}}};
}

std::vector<forensics::Subject> Compare::subjects(const Job& job, const data::Dataset*) const {
  const data::Description& about = data::describe(job.text("dataset"));
  std::vector<forensics::Subject> subjects;
  for (const models::NetworkSpec& network : networks_of(job, about.shape, about.classes)) {
    for (const std::string& batch : job.values("batch"))
      add_training_subjects(subjects, network, study::parse_integer(batch), job.integer("eval-batch"),
                            training_images(job));
    const Grid settings({job.axis_of("precision"), job.axis_of("predict-batch"), job.axis_of("threads")});
    for (std::size_t i = 0; i < settings.size(); ++i) {
      const Grid::Point point = settings.point(i);
      subjects.push_back(prediction_subject(network, point.integer("predict-batch"), point.integer("threads"),
                                            point.text("precision")));
    }
  }
  return subjects;
}

Plan Compare::plan(const StudyInputs& inputs) const {
  check_images(inputs);
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid cases = case_grid(job);
  const auto network = [&](const CaseValues& values) { return network_of(values, data.shape(), data.classes()); };
  Plan plan;
  const auto trainings = plan_trainings(plan, inputs, cases, [&](const CaseValues& values) {
    return Trained{network(values), no_scheme()};
  });

  const Grid machines({environment_axis(inputs.environments), job.axis_of("threads")});
  const Grid settings = Grid({job.axis_of("precision")}) * cases * Grid({job.axis_of("predict-batch")});
  const Stage& train = plan.stage("train");
  add_stage(plan, {"compare", "one machine's predictions", settings * machines, {}, {}, {}},
            [&](const Grid::Point& point) {
              const CaseValues values(job, point);
              const std::size_t one = point.leading(1 + cases.axes().size()) % cases.size();
              const auto e = static_cast<int>(point.position("environment"));
              const study::Environment& environment = inputs.environments.at(e);
              const long long images = job.integer("predict-images"), batch = values.integer("predict-batch"),
                              threads = values.integer("threads");
              const std::string precision = values.text("precision");
              const std::string subject = prediction_subject(network(values), batch, threads, precision).key();
              return study::Task<MachinePrediction>{
                  {data.content_hash(), plan.tasks[*train.tasks[one]].identity, images, batch, threads, precision,
                   environment.profile, environment.identity()},
                  {trainings[one].task},
                  {e},
                  static_cast<double>(images) * inputs.environments.image_seconds(e, subject)};
            });
  plan.cases = settings.size();
  return plan;
}

}  // namespace telltale::experiments
