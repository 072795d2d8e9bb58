#include <algorithm>

#include "study/axis.h"
#include "study/compare.h"
#include "study/training.h"

namespace telltale::study {
namespace {

using compare::Layout;

Axis axis_of(const Job& job, const char* key) { return axes_of(job, {key}).front(); }

// Those of the keys, and `network` even with one value: networks are compared.
std::vector<Axis> axes_with_network(const Job& job, const std::vector<std::string>& keys) {
  std::vector<Axis> axes = axes_of(job, keys);
  if (job.values("network").size() == 1) {
    const Parameter& network = *find_parameter("network");
    axes.insert(axes.begin(), {network.key, network.dimension(), network.help, network.type, job.values("network")});
  }
  return axes;
}

Grid case_grid(const Job& job) {
  std::vector<Axis> axes = axes_with_network(job, training_keys());
  axes.push_back(counted_axis("repeat", job.integer("repeats")));
  return Grid(std::move(axes));
}

forensics::Subject prediction_subject(const models::NetworkSpec& network, const std::string& batch,
                                      const std::string& threads, models::Precision precision) {
  forensics::Subject subject{network};
  subject.use = forensics::Use::prediction;
  subject.eval_batch = static_cast<int>(parse_integer(batch));
  subject.threads = static_cast<int>(parse_integer(threads));
  subject.precision = precision;
  return subject;
}

void check_job(const StudyInputs& inputs) {
  const Job& job = inputs.job;
  static_cast<void>(networks_of(job, inputs.data->shape(), inputs.data->classes()));
  const long long images = job.integer("predict-images");
  if (images == 0) job.refuse("predict-images", "experiment compare needs at least one image to predict");
  if (images > inputs.data->test().count)
    job.refuse("predict-images", "there are only " + std::to_string(inputs.data->test().count) + " test images");
}

}  // namespace

std::vector<Axis> Compare::axes(const Job& job) const {
  std::vector<std::string> keys = training_keys();
  keys.insert(keys.end(), {"predict-batch", "threads", "precision"});
  return axes_with_network(job, keys);
}

std::vector<forensics::Subject> Compare::subjects(const Job& job) const {
  const data::Description& description = data::describe(job.text("dataset"));
  std::vector<forensics::Subject> subjects;
  for (const models::NetworkSpec& network : networks_of(job, description.shape, description.classes)) {
    for (const std::string& batch : job.values("batch"))
      subjects.push_back(training_subject(network, parse_integer(batch), job.integer("eval-batch")));
    for (const std::string& precision : job.values("precision"))
      for (const std::string& batch : job.values("predict-batch"))
        for (const std::string& threads : job.values("threads"))
          subjects.push_back(prediction_subject(network, batch, threads, models::precision_named(precision)));
  }
  return subjects;
}

Plan Compare::plan(const StudyInputs& inputs) const {
  check_job(inputs);
  Plan plan;
  compare::lay_out(inputs, plan);
  return plan;
}

Layout compare::lay_out(const StudyInputs& inputs, Plan& plan) {
  const Job& job = inputs.job;
  Layout layout{case_grid(job), axis_of(job, "predict-batch"), axis_of(job, "threads"), {}, {}, {}, {}};
  for (const std::string& name : job.values("precision")) layout.precisions.push_back(models::precision_named(name));
  for (std::size_t index = 0; index < layout.cases.size(); ++index) {
    const CaseValues values(job, layout.cases, index);
    layout.networks.push_back(network_of(values, inputs.data->shape(), inputs.data->classes()));
    layout.training.push_back(plan_clean_training(plan, inputs, values, layout.networks.back()).task);
  }

  const std::string data_hash = inputs.data->content_hash().hex();
  const long long images = job.integer("predict-images");
  for (const models::Precision precision : layout.precisions)
    for (std::size_t one = 0; one < layout.cases.size(); ++one)
      for (const std::string& batch : layout.batches.values)
        for (std::size_t e = 0; e < inputs.environments.list.size(); ++e)
          for (const std::string& threads : layout.threads.values) {
            const Environment& environment = inputs.environments.list[e];
            PlannedTask task;
            task.kind = "compare";
            // The profile is named besides the bits: two profiles that fall together are both asked.
            task.payload = {{"kind", "compare"},
                            {"algorithm", compare_version},
                            {"data", data_hash},
                            {"model", plan.tasks[layout.training[one]].identity.hex()},
                            {"images", images},
                            {"batch", parse_integer(batch)},
                            {"threads", parse_integer(threads)},
                            {"precision", models::name_of(precision)},
                            {"profile", environment.profile},
                            {"environment", environment.identity().hex()}};
            task.prerequisites = {layout.training[one]};
            task.environments = {static_cast<int>(e)};
            const auto& rates = inputs.environments.eval_image_s.at(e);
            const auto rate = rates.find(prediction_subject(layout.networks[one], batch, threads, precision).key());
            task.cost_s = rate == rates.end() ? 0 : static_cast<double>(images) * rate->second;
            layout.predicted.push_back(plan.add(std::move(task)));
          }
  plan.cases = layout.cases.size() * layout.precisions.size() * layout.batches.values.size();
  return layout;
}

}  // namespace telltale::study
