#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/network_spec.h"
#include "study/axis.h"
#include "study/new_label.h"
#include "watermark/keys.h"

namespace telltale::study {
namespace {

using new_label::Layout;

// The axes that decide a training, in the order of the key table, and the repeat.
Grid case_grid(const Job& job) {
  std::vector<Axis> axes;
  for (Axis& axis : job.axes())
    if (axis.key != "prune-scope" && axis.key != "prune-rate" && axis.key != "predict-batch")
      axes.push_back(std::move(axis));
  axes.push_back(counted_axis("repeat", job.integer("repeats")));
  return Grid(std::move(axes));
}

Grid grid_of(const Job& job, const std::vector<std::string>& keys) {
  std::vector<Axis> axes;
  for (Axis& axis : job.axes())
    if (std::find(keys.begin(), keys.end(), axis.key) != keys.end()) axes.push_back(std::move(axis));
  return Grid(std::move(axes));
}

// One case of a job: its values, and what follows from them.
class Case {
 public:
  Case(const StudyInputs& inputs, const Grid& grid, std::size_t index)
      : job_(inputs.job), data_(*inputs.data), grid_(grid), point_(grid, index) {}

  [[nodiscard]] std::string text(const std::string& key) const { return value_of(job_, point_, grid_, key); }
  [[nodiscard]] double number(const std::string& key) const { return parse_number(text(key)); }
  [[nodiscard]] long long integer(const std::string& key) const { return parse_integer(text(key)); }
  [[nodiscard]] std::string label() const { return point_.label(); }
  [[nodiscard]] std::string method() const { return text("scheme"); }

  [[nodiscard]] models::NetworkSpec network() const {
    return {text("network"), data_.shape(), data_.classes() + (method() == "new-label" ? 1 : 0)};
  }

  [[nodiscard]] Json recipe() const {
    Json milestones = Json::array();
    if (job_.is_set("lr-milestones"))
      for (const std::string& epoch : job_.values("lr-milestones")) milestones.push_back(parse_integer(epoch));
    return {{"optimizer", text("optimizer")}, {"learning_rate", number("learning-rate")},
            {"momentum", number("momentum")}, {"weight_decay", number("weight-decay")},
            {"batch", integer("batch")},      {"epochs", integer("epochs")},
            {"milestones", milestones},       {"gamma", milestones.empty() ? 1.0 : job_.number("lr-gamma")},
            {"augment", text("augment")}};
  }

  // What key samples are made of. `method` differs from the case's own for the clean network, which is asked the
  // rival's key samples: it cannot answer a label that it does not have.
  [[nodiscard]] Json scheme(const std::string& method) const {
    Json scheme = {{"method", method},
                   {"reading", text("reading")},
                   {"alpha", number("alpha")},
                   {"beta", number("beta")},
                   {"clip", job_.flag("clip")},
                   {"noise", job_.text("key-noise")},
                   {"seed", job_.integer("seed")},
                   {"repeat", point_.integer("repeat")}};
    if (method == "noise-backdoor") scheme["target"] = job_.integer("target");
    return scheme;
  }
  [[nodiscard]] Json queried_scheme() const { return scheme(method() == "clean" ? "noise-backdoor" : method()); }

  [[nodiscard]] long long repeat() const { return point_.integer("repeat"); }

 private:
  const Job& job_;
  const data::Dataset& data_;
  const Grid& grid_;
  Grid::Point point_;
};

forensics::Subject subject_of(const models::NetworkSpec& network, long long batch, long long eval_batch) {
  return {network, static_cast<int>(batch), static_cast<int>(eval_batch)};
}

// Where a case's tasks run, and what that is in their identity.
struct Place {
  std::vector<int> environments;
  std::string identity;  ///< "any" where the environment is no part of the identity
  int rates = 0;         ///< index of the environment whose rates estimate the cost
};

Place place_of(const StudyInputs& inputs, const Json& coordinates, const std::string& subject) {
  const auto& list = inputs.environments.list;
  if (inputs.binding.rule == "any") return {{}, "any", 0};
  int chosen = inputs.binding.trainer;
  if (inputs.binding.rule == "spread") {
    // By the case's identity: the same environment whoever else is present and whenever it is asked.
    const Identity identity = identity_of(coordinates);
    chosen = static_cast<int>(identity.bytes()[0] % list.size());
  }
  return {{chosen}, list[static_cast<std::size_t>(chosen)].identity({subject}).hex(), chosen};
}

double rate(const std::vector<std::map<std::string, double>>& rates, int environment, const std::string& subject) {
  const auto& known = rates.at(static_cast<std::size_t>(environment));
  const auto found = known.find(subject);
  return found == known.end() ? 0 : found->second;
}

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

void check_networks(const Job& job, const data::ImageShape& input, int classes) {
  for (const std::string& name : job.values("network")) {
    try {
      models::check({name, input, classes});
    } catch (const InputError& error) {
      job.refuse("network", error.what());
    }
  }
}

void check_job(const StudyInputs& inputs) {
  const Job& job = inputs.job;
  check_networks(job, inputs.data->shape(), inputs.data->classes());
  if (job.integer("target") >= inputs.data->classes())
    job.refuse("target", "class " + job.text("target") + " is none of the " + std::to_string(inputs.data->classes()) +
                             " classes of " + inputs.data->name());
  if (job.integer("predict-images") > inputs.data->test().count)
    job.refuse("predict-images", "there are only " + std::to_string(inputs.data->test().count) + " test images");
  if (job.integer("key-images") > inputs.data->test().count)
    job.refuse("key-images", "there are only " + std::to_string(inputs.data->test().count) + " test images");
}

}  // namespace

std::vector<forensics::Subject> NewLabel::subjects(const Job& job) const {
  // Every network and batch size, with and without the new label's output.
  const data::Description& description = data::describe(job.text("dataset"));
  check_networks(job, description.shape, description.classes);
  std::vector<forensics::Subject> subjects;
  for (const std::string& name : job.values("network"))
    for (const std::string& batch : job.values("batch"))
      for (const int extra : {0, 1})
        subjects.push_back(subject_of({name, description.shape, description.classes + extra}, parse_integer(batch),
                                      job.integer("eval-batch")));
  // The batch sizes of the predictions, of the network that is asked: the first case's that has a watermark.
  if (job.integer("predict-images") > 0) {
    const auto& schemes = job.values("scheme");
    const bool extra =
        *std::find_if(schemes.begin(), schemes.end(), [](const auto& s) { return s != "clean"; }) == "new-label";
    for (const std::string& batch : job.values("predict-batch"))
      if (parse_integer(batch) != job.integer("eval-batch"))
        subjects.push_back(subject_of({job.values("network").front(), description.shape, description.classes + extra},
                                      parse_integer(job.values("batch").front()), parse_integer(batch)));
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
  Layout layout{
      case_grid(job), grid_of(job, {"prune-scope", "prune-rate"}), grid_of(job, {"predict-batch"}), {}, {}, {}, {}};
  const bool prunes = job.is_set("prune-rate");
  const auto test_count = static_cast<double>(data.test().count);
  const std::string data_hash = data.content_hash().hex();
  plan.cases = layout.cases.size() * (prunes ? layout.attacks.size() : 1);

  std::size_t first_marked = SIZE_MAX;
  models::NetworkSpec first_network;
  for (std::size_t index = 0; index < layout.cases.size(); ++index) {
    const Case one(inputs, layout.cases, index);
    check_alpha(inputs, one);
    const models::NetworkSpec network = one.network();
    const std::string subject = subject_of(network, one.integer("batch"), job.integer("eval-batch")).key();
    const double step_s_known = rate(inputs.environments.train_step_s, std::max(0, inputs.binding.trainer), subject);

    const Json scheme = one.method() == "clean" ? Json{{"method", "clean"}} : one.scheme(one.method());
    const Json coordinates = {{"network", network.to_json()},
                              {"recipe", one.recipe()},
                              {"scheme", scheme},
                              {"seed", job.integer("seed")},
                              {"repeat", one.repeat()}};
    const Place place = place_of(inputs, coordinates, subject);
    const double image_s = rate(inputs.environments.eval_image_s, place.rates, subject);
    const double step_s =
        inputs.binding.rule == "bound" ? step_s_known : rate(inputs.environments.train_step_s, place.rates, subject);

    PlannedTask training;
    training.kind = "train";
    training.payload = {
        {"kind", "train"},     {"algorithm", train_version},    {"data", data_hash},
        {"case", coordinates}, {"environment", place.identity}, {"eval_batch", job.integer("eval-batch")}};
    const double steps = std::ceil(static_cast<double>(data.train().count) / static_cast<double>(one.integer("batch")));
    training.cost_s = static_cast<double>(one.integer("epochs")) * (steps * step_s + test_count * image_s);
    training.environments = place.environments;
    training.has_artifact = true;
    training.keeps_checkpoints = true;
    const std::size_t trained = plan.add(training);
    layout.training.push_back(trained);
    if (first_marked == SIZE_MAX && one.method() != "clean") {
      first_marked = trained;
      first_network = network;
    }

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
                      {"environment", place.identity},
                      {"eval_batch", job.integer("eval-batch")}};
      const double keys = job.integer("key-images") > 0 ? static_cast<double>(job.integer("key-images")) : test_count;
      task.cost_s = (test_count + 3 * keys) * image_s;
      task.prerequisites = {trained};
      task.environments = place.environments;
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
