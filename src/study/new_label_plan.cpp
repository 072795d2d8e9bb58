#include <algorithm>

#include "core/error.h"
#include "models/network_spec.h"
#include "study/axis.h"
#include "study/new_label.h"
#include "study/training.h"
#include "watermark/shares.h"

namespace telltale::study {
namespace {

using new_label::Layout;

// What decides a training.
std::vector<std::string> case_keys() {
  std::vector<std::string> keys = training_keys();
  keys.insert(keys.end(), {"scheme", "reading", "alpha", "beta"});
  return keys;
}

Grid case_grid(const Job& job) {
  std::vector<Axis> axes = axes_of(job, case_keys());
  axes.push_back(counted_axis("repeat", job.integer("repeats")));
  return Grid(std::move(axes));
}

// One case of a job: its values, and what follows from them.
class Case : public CaseValues {
 public:
  Case(const StudyInputs& inputs, const Grid& grid, std::size_t index)
      : CaseValues(inputs.job, grid, index), data_(*inputs.data) {}

  [[nodiscard]] std::string method() const { return text("scheme"); }

  [[nodiscard]] models::NetworkSpec network() const {
    return network_of(*this, data_.shape(), data_.classes() + (method() == "new-label" ? 1 : 0));
  }

  // What key samples are made of. `method` differs from the case's own for the clean network, which is asked the
  // rival's key samples: it cannot answer a label that it does not have.
  [[nodiscard]] Json scheme(const std::string& method) const {
    Json scheme = {{"method", method},
                   {"reading", text("reading")},
                   {"alpha", number("alpha")},
                   {"beta", number("beta")},
                   {"clip", job().flag("clip")},
                   {"noise", job().text("key-noise")},
                   {"seed", job().integer("seed")},
                   {"repeat", repeat()}};
    if (method == "noise-backdoor") scheme["target"] = job().integer("target");
    return scheme;
  }
  [[nodiscard]] Json queried_scheme() const { return scheme(method() == "clean" ? "noise-backdoor" : method()); }

 private:
  const data::Dataset& data_;
};

void check_alpha(const StudyInputs& inputs, const Case& one) {
  const data::Split& train = inputs.data->train();
  std::int64_t markable = train.count;
  // The rival never marks its target class.
  if (one.method() != "new-label")
    markable -=
        std::count(train.labels.begin(), train.labels.end(), static_cast<std::uint8_t>(inputs.job.integer("target")));
  try {
    if (watermark::images_selected(one.number("alpha"), train.count) > markable)
      throw InputError("a share of " + one.text("alpha") + " is more than the " + std::to_string(markable) + " of " +
                       std::to_string(train.count) + " images that " + one.method() + " may mark");
  } catch (const InputError& error) {
    inputs.job.refuse("alpha", error.what());
  }
}

void check_job(const StudyInputs& inputs) {
  const Job& job = inputs.job;
  static_cast<void>(networks_of(job, inputs.data->shape(), inputs.data->classes()));
  if (job.integer("target") >= inputs.data->classes())
    job.refuse("target", "class " + job.text("target") + " is none of the " + std::to_string(inputs.data->classes()) +
                             " classes of " + inputs.data->name());
  if (job.integer("predict-images") > inputs.data->test().count)
    job.refuse("predict-images", "there are only " + std::to_string(inputs.data->test().count) + " test images");
  if (job.integer("key-images") > inputs.data->test().count)
    job.refuse("key-images", "there are only " + std::to_string(inputs.data->test().count) + " test images");
}

}  // namespace

std::vector<Axis> NewLabel::axes(const Job& job) const {
  std::vector<std::string> keys = case_keys();
  keys.insert(keys.end(), {"prune-scope", "prune-rate", "predict-batch"});
  return axes_of(job, keys);
}

std::vector<forensics::Subject> NewLabel::subjects(const Job& job) const {
  // Every network and batch size, with and without the new label's output.
  const data::Description& description = data::describe(job.text("dataset"));
  const long long eval_batch = job.integer("eval-batch");
  std::vector<forensics::Subject> subjects;
  for (models::NetworkSpec network : networks_of(job, description.shape, description.classes))
    for (const std::string& batch : job.values("batch"))
      for (const int extra : {0, 1}) {
        network.classes = description.classes + extra;
        subjects.push_back(training_subject(network, parse_integer(batch), eval_batch));
      }
  // The batch sizes of the predictions, of the network that is asked: the first case's that has a watermark.
  if (job.integer("predict-images") > 0) {
    const auto& schemes = job.values("scheme");
    const bool extra =
        *std::find_if(schemes.begin(), schemes.end(), [](const auto& s) { return s != "clean"; }) == "new-label";
    const models::NetworkSpec network = networks_of(job, description.shape, description.classes + extra).front();
    for (const std::string& batch : job.values("predict-batch"))
      if (parse_integer(batch) != eval_batch)
        subjects.push_back(training_subject(network, parse_integer(job.values("batch").front()), parse_integer(batch)));
  }
  return subjects;
}

Plan NewLabel::plan(const StudyInputs& inputs) const {
  check_job(inputs);
  Plan plan;
  new_label::lay_out(inputs, plan);
  return plan;
}

Layout new_label::lay_out(const StudyInputs& inputs, Plan& plan) {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  Layout layout{case_grid(job),
                Grid(axes_of(job, {"prune-scope", "prune-rate"})),
                Grid(axes_of(job, {"predict-batch"})),
                {},
                {},
                {},
                {}};
  const bool prunes = job.is_set("prune-rate");
  const auto test_count = static_cast<double>(data.test().count);
  const std::string data_hash = data.content_hash().hex();
  plan.cases = layout.cases.size() * (prunes ? layout.attacks.size() : 1);

  std::size_t first_marked = SIZE_MAX;
  for (std::size_t index = 0; index < layout.cases.size(); ++index) {
    const Case one(inputs, layout.cases, index);
    check_alpha(inputs, one);
    const bool clean = one.method() == "clean";
    const PlannedTraining training = clean ? plan_clean_training(plan, inputs, one, one.network())
                                           : plan_training(plan, inputs, one, one.network(), one.scheme(one.method()));
    const std::size_t trained = training.task;
    layout.training.push_back(trained);
    if (first_marked == SIZE_MAX && !clean) first_marked = trained;

    const auto evaluate = [&](const Json& attack) {
      PlannedTask task;
      task.kind = attack.at("name") == "none" ? "evaluate" : "prune";
      task.payload = {{"kind", "evaluate"},
                      {"algorithm", evaluate_version},
                      {"data", data_hash},
                      {"model", plan.tasks[trained].identity.hex()},
                      {"scheme", one.queried_scheme()},
                      {"key_images", job.integer("key-images")},
                      {"attack", attack},
                      {"environment", training.placement.identity},
                      {"eval_batch", job.integer("eval-batch")}};
      const double keys = job.integer("key-images") > 0 ? static_cast<double>(job.integer("key-images")) : test_count;
      task.cost_s = (test_count + 3 * keys) * training.image_s;
      task.prerequisites = {trained};
      task.environments = training.placement.environments;
      return plan.add(task);
    };
    layout.unattacked.push_back(evaluate({{"name", "none"}}));
    if (!prunes) continue;
    for (std::size_t a = 0; a < layout.attacks.size(); ++a) {
      const Grid::Point attack = layout.attacks.point(a);
      const double rate_value = attack.number("prune-rate");
      // A rate of zero is the model as it is, whatever the scope: one task.
      layout.attacked.push_back(
          rate_value == 0 ? layout.unattacked.back()
                          : evaluate({{"name", "prune"}, {"scope", attack.text("prune-scope")}, {"rate", rate_value}}));
    }
  }

  if (job.integer("predict-images") > 0) {
    for (std::size_t e = 0; e < inputs.environments.list.size(); ++e) {
      const Environment& environment = inputs.environments.list[e];
      for (const std::string& batch : layout.batches.axes().front().values) {
        PlannedTask task;
        task.kind = "predict";
        // The profile is named besides the bits: two profiles that fall together are both asked.
        task.payload = {{"kind", "predict"},
                        {"algorithm", predict_version},
                        {"data", data_hash},
                        {"model", plan.tasks[first_marked].identity.hex()},
                        {"images", job.integer("predict-images")},
                        {"batch", parse_integer(batch)},
                        {"profile", environment.profile},
                        {"environment", environment.identity().hex()}};
        task.prerequisites = {first_marked};
        task.environments = {static_cast<int>(e)};
        const auto& rates = inputs.environments.eval_image_s.at(e);
        task.cost_s = rates.empty() ? 0 : static_cast<double>(job.integer("predict-images")) * rates.begin()->second;
        layout.predicted.push_back(plan.add(task));
      }
    }
  }
  return layout;
}

}  // namespace telltale::study
