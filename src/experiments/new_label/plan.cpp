#include <algorithm>

#include "core/error.h"
#include "experiments/new_label/new_label.h"
#include "experiments/new_label/twist.h"
#include "experiments/predictions.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using study::Job;

bool marks(const std::string& scheme) { return watermark::scheme_named(scheme).marks(); }

// Asks the first case that has a watermark.
void plan_predictions(Plan& plan, const StudyInputs& inputs) {
  const Job& job = inputs.job;
  const Stage& train = plan.stage("train");
  std::size_t model = SIZE_MAX;
  for (std::size_t c = 0; c < train.grid.size() && model == SIZE_MAX; ++c)
    if (marks(train.grid.point(c).text("scheme"))) model = *train.tasks[c];
  const Grid grid({environment_axis(inputs.environments), job.axis_of("predict-batch")});
  add_stage(plan,
            {"predict",
             "the first watermarked model's answers to the first test images on every environment, bit for bit",
             grid,
             {},
             {},
             {}},
            [&](const Grid::Point& point) {
              const auto e = static_cast<int>(point.position("environment"));
              const study::Environment& environment = inputs.environments.at(e);
              const auto& rates = inputs.environments.eval_image_s.at(static_cast<std::size_t>(e));
              const long long images = job.integer("predict-images");
              return study::Task<Predict>{{inputs.data->content_hash(), plan.tasks[model].identity, images,
                                           point.integer("predict-batch"), environment.profile, environment.identity()},
                                          {model},
                                          {e},
                                          rates.empty() ? 0 : static_cast<double>(images) * rates.begin()->second};
            });
}

}  // namespace

const std::string* first_marked(const Job& job) {
  const auto& schemes = job.values("scheme");
  const auto found = std::find_if(schemes.begin(), schemes.end(), marks);
  return found == schemes.end() ? nullptr : &*found;
}

NewLabel::NewLabel()
    : OwnershipExperiment({{"new-label", "noise-backdoor", "clean"}, {"prune", "fine-tune"}, "noise-backdoor"}) {}

std::vector<ParameterGroup> NewLabel::keys() const {
  ParameterGroup schemes = ownership_.scheme_keys();
  schemes.parameters.push_back(twist_key());
  return {training_keys(),
          std::move(schemes),
          ownership_.attack_keys(),
          {"Predictions on every environment",
           {predict_images_key("how many test images the first watermarked model predicts on every environment "
                               "present; 0: none"),
            predict_batch_key()}}};
}

void NewLabel::check(const Job& job) const {
  OwnershipExperiment::check(job);
  if (job.integer("predict-images") > 0 && first_marked(job) == nullptr)
    job.refuse("predict-images", "predictions need a watermarked model: scheme names only clean");
  const auto& schemes = job.values("scheme");
  if (job.flag("twist") && std::find(schemes.begin(), schemes.end(), "clean") == schemes.end())
    job.refuse("twist", "what twists is told from the clean network: scheme must name clean too");
}

std::vector<forensics::Subject> NewLabel::subjects(const Job& job, const data::Dataset* data) const {
  std::vector<forensics::Subject> subjects = ownership_.subjects(job, data);
  if (job.integer("predict-images") == 0) return subjects;
  // The batch sizes of the predictions, of the network that is asked.
  const data::Description& about = data::describe(job.text("dataset"));
  const int outputs = watermark::scheme_named(*first_marked(job)).outputs(about.classes);
  const models::NetworkSpec network = networks_of(job, about.shape, outputs).front();
  for (const std::string& batch : job.values("predict-batch"))
    if (study::parse_integer(batch) != job.integer("eval-batch"))
      subjects.push_back({network, static_cast<int>(study::parse_integer(job.values("batch").front())),
                          static_cast<int>(study::parse_integer(batch))});
  return subjects;
}

Plan NewLabel::plan(const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  ownership_.check(inputs);
  check_predict_images(job, inputs.data->test().count);
  Plan plan;
  const auto trainings = ownership_.plan(plan, inputs);
  plan_twist(plan, inputs, ownership_, trainings);
  if (job.integer("predict-images") > 0) plan_predictions(plan, inputs);
  return plan;
}

}  // namespace telltale::experiments
