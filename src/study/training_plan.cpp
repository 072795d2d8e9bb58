#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "study/axis.h"
#include "study/ledger.h"
#include "study/training.h"

namespace telltale::study {
namespace {

// The place of a case whose coordinates these are, by the study's binding.
Placement placement_of(const StudyInputs& inputs, const Json& coordinates, const std::string& subject) {
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

// The keys that a network's structure depends on: its name and its options.
const std::vector<std::string>& network_keys() {
  static const std::vector<std::string> keys{"network", "shortcut", "pool"};
  return keys;
}

void refuse_foreign_options(const Job& job) {
  for (const std::string& key : network_keys()) {
    if (key == "network" || !job.is_given(key)) continue;
    for (const std::string& name : job.values("network")) {
      const auto& options = models::network_options(name);
      const bool has =
          std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.name == key; });
      if (!has) job.refuse(key, "network " + name + " has no such option; only residual networks do");
    }
  }
}

bool is_done(const Outcome* outcome) { return outcome != nullptr && outcome->status == TaskStatus::done; }

}  // namespace

const std::vector<std::string>& training_keys() {
  static const std::vector<std::string> keys{"network",  "shortcut",     "pool",  "optimizer", "learning-rate",
                                             "momentum", "weight-decay", "batch", "epochs",    "augment"};
  return keys;
}

std::vector<Axis> axes_of(const Job& job, const std::vector<std::string>& keys) {
  std::vector<Axis> axes = job.axes();
  std::erase_if(axes, [&](const Axis& axis) { return std::find(keys.begin(), keys.end(), axis.key) == keys.end(); });
  return axes;
}

double CaseValues::number(const std::string& key) const { return parse_number(text(key)); }
long long CaseValues::integer(const std::string& key) const { return parse_integer(text(key)); }

models::NetworkSpec network_of(const CaseValues& values, const data::ImageShape& input, int classes) {
  models::NetworkSpec network{values.text("network"), input, classes, {}};
  for (const models::NetworkOption& option : models::network_options(network.name)) {
    const std::string value = values.text(option.name);
    if (value != option.values.front()) network.options[option.name] = value;
  }
  return network;
}

std::vector<models::NetworkSpec> networks_of(const Job& job, const data::ImageShape& input, int classes) {
  refuse_foreign_options(job);
  const Grid grid(axes_of(job, network_keys()));
  std::vector<models::NetworkSpec> networks;
  for (std::size_t index = 0; index < grid.size(); ++index) {
    models::NetworkSpec network = network_of(CaseValues(job, grid, index), input, classes);
    try {
      models::check(network);
    } catch (const InputError& error) {
      job.refuse("network", error.what());
    }
    if (std::find(networks.begin(), networks.end(), network) == networks.end()) networks.push_back(std::move(network));
  }
  return networks;
}

Json recipe_of(const CaseValues& values) {
  const Job& job = values.job();
  Json milestones = Json::array();
  if (job.is_set("lr-milestones"))
    for (const std::string& epoch : job.values("lr-milestones")) milestones.push_back(parse_integer(epoch));
  return {{"optimizer", values.text("optimizer")},
          {"learning_rate", values.number("learning-rate")},
          {"momentum", values.number("momentum")},
          {"weight_decay", values.number("weight-decay")},
          {"batch", values.integer("batch")},
          {"epochs", values.integer("epochs")},
          {"milestones", milestones},
          {"gamma", milestones.empty() ? 1.0 : job.number("lr-gamma")},
          {"augment", values.text("augment")}};
}

forensics::Subject training_subject(const models::NetworkSpec& network, long long batch, long long eval_batch) {
  return {network, static_cast<int>(batch), static_cast<int>(eval_batch)};
}

PlannedTraining plan_training(Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                              const models::NetworkSpec& network, const Json& scheme) {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const long long eval_batch = job.integer("eval-batch");
  const std::string subject = training_subject(network, values.integer("batch"), eval_batch).key();
  const Json coordinates = {{"network", network.to_json()},
                            {"recipe", recipe_of(values)},
                            {"scheme", scheme},
                            {"seed", job.integer("seed")},
                            {"repeat", values.repeat()}};
  PlannedTraining planned;
  planned.placement = placement_of(inputs, coordinates, subject);
  planned.image_s = rate(inputs.environments.eval_image_s, planned.placement.rates, subject);
  const double step_s = rate(inputs.environments.train_step_s, planned.placement.rates, subject);

  PlannedTask task;
  task.kind = "train";
  task.payload = {{"kind", "train"},
                  {"algorithm", train_version},
                  {"data", data.content_hash().hex()},
                  {"case", coordinates},
                  {"environment", planned.placement.identity},
                  {"eval_batch", eval_batch}};
  const double steps =
      std::ceil(static_cast<double>(data.train().count) / static_cast<double>(values.integer("batch")));
  const double measuring_s = static_cast<double>(data.test().count) * planned.image_s;
  task.cost_s = static_cast<double>(values.integer("epochs")) * (steps * step_s + measuring_s);
  task.environments = planned.placement.environments;
  task.has_artifact = true;
  task.keeps_checkpoints = true;
  planned.task = plan.add(std::move(task));
  return planned;
}

PlannedTraining plan_clean_training(Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                                    const models::NetworkSpec& network) {
  return plan_training(plan, inputs, values, network, Json{{"method", "clean"}});
}

void add_training_variables(store::Group& group, const Grid& cases, const std::vector<std::size_t>& training,
                            const Job& job, const OutcomeLookup& outcome, const std::vector<Curve>& curves) {
  std::vector<std::string> hashes, tasks;
  for (const std::size_t task : training) {
    const Outcome* trained = outcome(task);
    hashes.push_back(
        is_done(trained) ? Identity::from_bytes(trained->values.at(model_hash_value).as<std::uint8_t>()).hex() : "");
    tasks.push_back(is_done(trained) ? trained->identity.hex() : "");
  }
  group.variables.push_back({"model_sha256",
                             cases.dimensions(),
                             hashes,
                             {{"long_name", "SHA-256 of the trained model (safetensors)"}},
                             std::nullopt});
  group.variables.push_back({"model_task",
                             cases.dimensions(),
                             tasks,
                             {{"long_name", "identity of the training: its product is artifacts/products-<identity>"}},
                             std::nullopt});

  // As long as the longest training.
  std::int64_t epochs = 0;
  for (const std::string& text : job.values("epochs")) epochs = std::max<std::int64_t>(epochs, parse_integer(text));
  Grid({counted_axis("epoch", epochs)}).declare(group);
  auto dimensions = cases.dimensions();
  dimensions.push_back("epoch");
  auto shape = cases.shape();
  shape.push_back(epochs);
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [name, help] : curves) {
    std::vector<double> all;
    all.reserve(training.size() * static_cast<std::size_t>(epochs));
    for (const std::size_t task : training) {
      const Outcome* trained = outcome(task);
      std::vector<double> curve(static_cast<std::size_t>(epochs), nothing);
      if (is_done(trained)) {
        const auto found = trained->values.find(name);
        if (found != trained->values.end()) {
          const auto recorded = found->second.as<double>();
          std::copy(recorded.begin(), recorded.end(), curve.begin());
        }
      }
      all.insert(all.end(), curve.begin(), curve.end());
    }
    group.variables.push_back({name,
                               dimensions,
                               Array::of<double>(shape, all),
                               {{"long_name", help}, {"units", "1"}},
                               Array::scalar(nothing)});
  }
}

store::Group clean_train_group(const std::string& description, const Grid& cases,
                               const std::vector<std::size_t>& training, const Job& job, const OutcomeLookup& outcome) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  store::Group group;
  group.name = "train";
  group.attributes = {{"description", description}};
  cases.declare(group);
  std::vector<double> accuracy;
  for (const std::size_t task : training) {
    const Outcome* trained = outcome(task);
    const bool is_done = trained != nullptr && trained->status == TaskStatus::done;
    accuracy.push_back(is_done ? trained->values.at("epoch_accuracy").as<double>().back() : nothing);
  }
  group.variables.push_back({"accuracy",
                             cases.dimensions(),
                             Array::of<double>(cases.shape(), accuracy),
                             {{"long_name", "share of the test images classified correctly"}, {"units", "1"}},
                             Array::scalar(nothing)});
  add_training_variables(group, cases, training, job, outcome,
                         {{"train_loss", "mean cross-entropy of each epoch's batches, in nats"},
                          {"train_accuracy", "share of each epoch's training images classified correctly"},
                          {"epoch_accuracy", "share of the test images classified correctly after each epoch"}});
  return group;
}

}  // namespace telltale::study
