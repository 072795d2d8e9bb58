#include "experiments/training.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "study/axis.h"
#include "watermark/bias_queries.h"
#include "watermark/scheme.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::Job;

// The environment of a case whose coordinates these are, by the study's binding; -1: any.
int environment_of(const StudyInputs& inputs, const Json& coordinates) {
  if (inputs.binding.rule == "any") return -1;
  if (inputs.binding.rule != "spread") return inputs.binding.trainer;
  if (inputs.environments.list.empty())
    throw InputError("train-on = spread: no rank is left that could train (all were set aside, see telltale probe)");
  // By the case's identity: the same environment whoever else is present and whenever it is asked.
  return static_cast<int>(identity_of(coordinates).bytes()[0] % inputs.environments.list.size());
}

// The keys that a network's structure depends on: its name and the options of all that there are.
std::vector<std::string> network_keys() {
  std::vector<std::string> keys{"network"};
  for (const std::string& name : models::network_names())
    for (const models::NetworkOption& option : models::network_options(name))
      if (std::find(keys.begin(), keys.end(), option.name) == keys.end()) keys.push_back(option.name);
  return keys;
}

std::vector<std::string> networks_with(const std::string& option) {
  std::vector<std::string> names;
  for (const std::string& name : models::network_names()) {
    const auto& options = models::network_options(name);
    if (std::any_of(options.begin(), options.end(), [&](const auto& one) { return one.name == option; }))
      names.push_back(name);
  }
  return names;
}

void refuse_foreign_options(const Job& job) {
  for (const std::string& key : network_keys()) {
    if (key == "network" || !job.is_given(key)) continue;
    for (const std::string& name : job.values("network")) {
      const auto& options = models::network_options(name);
      const bool has =
          std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.name == key; });
      if (!has)
        job.refuse(key, "network " + name + " has no such option; those that do: " + joined(networks_with(key)));
    }
  }
}

TrainingRecipe recipe_of(const CaseValues& values) {
  const Job& job = values.job();
  TrainingRecipe recipe;
  recipe.optimizer = values.text("optimizer");
  recipe.augment = values.text("augment");
  recipe.learning_rate = values.number("learning-rate");
  recipe.momentum = values.number("momentum");
  recipe.weight_decay = values.number("weight-decay");
  if (values.flag("nesterov")) recipe.nesterov = true;
  if (const double decay = values.number("lr-decay"); decay != 0) recipe.rate_decay = decay;
  if (const long long steps = values.integer("lr-warm-up"); steps != 0) recipe.warm_up = steps;
  if (const double norm = values.number("gradient-clip"); norm != 0) recipe.gradient_clip = norm;
  if (job.has("window") && job.integer("window") > 0) recipe.augment = "window-flip";
  recipe.batch = values.integer("batch");
  recipe.epochs = values.integer("epochs");
  for (const std::string& epoch : job.values("lr-milestones")) recipe.milestones.push_back(study::parse_integer(epoch));
  if (!recipe.milestones.empty()) recipe.gamma = job.number("lr-gamma");
  return recipe;
}

}  // namespace

ParameterGroup training_keys() {
  using enum ValueType;
  using enum AxisRule;
  std::vector<Parameter> keys{{.name = "network",
                               .type = text,
                               .fallback = "dnn-1",
                               .help =
                                   "dnn-1 or dnn-2 (Zhong et al. 2020, Sec. 4.1); simple-cnn (Chen and Wu 2018, Table "
                                   "1); mlp (two dense layers of 1024); aime-seq, aime-cnn or "
                                   "aime-cnn-rgb (Mehta et al. 2022, Table III); zhang-mnist or zhang-cifar "
                                   "(Zhang et al. 2018, Table 6); resnet-20 or resnet-32 (He et al. 2016, Sec. 4.2)",
                               .axis = allowed}};
  std::set<std::string> options;
  for (const std::string& name : models::network_names())
    for (const models::NetworkOption& option : models::network_options(name))
      if (options.insert(option.name).second)
        keys.push_back({.name = option.name,
                        .type = choice,
                        .fallback = option.values.front(),
                        .help = option.help,
                        .axis = allowed,
                        .choices = option.values});
  const std::vector<Parameter> more{
      {.name = "optimizer",
       .type = choice,
       .fallback = "sgd",
       .help = "how weights are updated",
       .axis = allowed,
       .choices = {"sgd", "adam"}},
      {.name = "learning-rate",
       .type = number,
       .fallback = "0.01",
       .help = "step size at the start",
       .axis = allowed,
       .least = 1e-12,
       .most = 1000},
      {.name = "momentum", .type = number, .fallback = "0", .help = "of SGD", .axis = allowed, .most = 0.9999},
      {.name = "nesterov", .type = flag, .fallback = "no", .help = "Nesterov's momentum", .axis = allowed},
      {.name = "lr-decay",
       .type = number,
       .fallback = "0",
       .help = "the learning rate is divided by 1 + lr-decay x steps done (Keras' decay)",
       .axis = allowed,
       .most = 1000},
      {.name = "lr-warm-up",
       .type = integer,
       .fallback = "0",
       .help = "steps over which the learning rate rises to its full value, in equal parts; 0: it begins there",
       .axis = allowed,
       .most = 1e7},
      {.name = "gradient-clip",
       .type = number,
       .fallback = "0",
       .help = "a step whose gradient has a larger L2 norm, over all that is trained, is taken with one of this; 0: "
               "none is",
       .axis = allowed,
       .most = 1e9},
      {.name = "weight-decay", .type = number, .fallback = "0", .help = "L2 penalty", .axis = allowed, .most = 10},
      {.name = "batch",
       .type = integer,
       .fallback = "128",
       .help = "images a step",
       .axis = allowed,
       .least = 1,
       .most = 65536},
      {.name = "epochs",
       .type = integer,
       .fallback = "50",
       .help = "passes over the training data",
       .axis = allowed,
       .least = 1,
       .most = 100000},
      {.name = "lr-milestones",
       .type = integer,
       .fallback = "",
       .help = "epochs after which the learning rate is multiplied by lr-gamma",
       .least = 1,
       .most = 100000,
       .optional = true,
       .list = true},
      {.name = "lr-gamma",
       .type = number,
       .fallback = "0.1",
       .help = "factor of the step schedule",
       .least = 1e-9,
       .most = 1},
      {.name = "augment",
       .type = choice,
       .fallback = "none",
       .help =
           "augmentation of the training images: crop-flip is a random crop after padding by 4 and a horizontal flip; "
           "shift moves them by up to 2 pixels each way",
       .axis = allowed,
       .choices = {"none", "crop-flip", "shift"}}};
  keys.insert(keys.end(), more.begin(), more.end());
  keys.push_back(eval_batch_key());
  return {"Network and training", std::move(keys)};
}

Parameter eval_batch_key() {
  return {.name = "eval-batch",
          .type = ValueType::integer,
          .fallback = "250",
          .help = "batch size of every accuracy measurement",
          .least = 1,
          .most = 65536};
}

const std::vector<std::string>& training_axes() {
  static const std::vector<std::string> axes = [] {
    std::vector<std::string> names;
    for (const Parameter& key : training_keys().parameters)
      if (key.axis != AxisRule::never) names.push_back(key.name);
    return names;
  }();
  return axes;
}

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
  const Grid grid(job.axes_of(network_keys()));
  std::vector<models::NetworkSpec> networks;
  for (std::size_t index = 0; index < grid.size(); ++index) {
    models::NetworkSpec network = network_of(CaseValues(job, grid.point(index)), input, classes);
    try {
      models::check(network);
    } catch (const InputError& error) {
      job.refuse("network", error.what());
    }
    if (std::find(networks.begin(), networks.end(), network) == networks.end()) networks.push_back(std::move(network));
  }
  return networks;
}

void add_training_subjects(std::vector<forensics::Subject>& subjects, const models::NetworkSpec& network,
                           long long batch, long long eval_batch, long long samples) {
  subjects.push_back({network, static_cast<int>(batch), static_cast<int>(eval_batch)});
  // Evaluation is in the first already.
  if (const long long rest = samples % batch; rest != 0) subjects.push_back({network, static_cast<int>(rest), 1});
}

watermark::ClassCounts class_counts(const Job& job, const data::Dataset* data) {
  const auto classes = static_cast<std::size_t>(data::describe(job.text("dataset")).classes);
  watermark::ClassCounts counts(classes);
  if (data != nullptr) {
    for (const std::uint8_t label : data->train().labels) ++counts.at(label);
  } else {
    const long long images = training_images(job), each = images / static_cast<long long>(classes);
    for (std::int64_t& count : counts) count = each;
    counts.front() += images - each * static_cast<long long>(classes);
  }
  return counts;
}

long long training_images(const Job& job) {
  const long long asked = job.integer("train-images");
  return asked > 0 ? asked : data::describe(job.text("dataset")).train_count;
}

long long test_images(const Job& job) {
  const long long asked = job.integer("test-images");
  return asked > 0 ? asked : data::describe(job.text("dataset")).test_count;
}

data::ImageShape input_of(const Job& job, const data::ImageShape& shape) {
  const int window = job.has("window") ? static_cast<int>(job.integer("window")) : 0;
  return window == 0 ? shape : data::ImageShape{shape.channels, window, window};
}

void check_training(const Job& job) {
  const auto has = [&](const char* key, const std::string& value) {
    const auto& values = job.values(key);
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  const auto& momenta = job.values("momentum");
  if (has("nesterov", "yes") &&
      std::any_of(momenta.begin(), momenta.end(), [](const std::string& one) { return study::parse_number(one) == 0; }))
    job.refuse("nesterov", "Nesterov's momentum needs a momentum, and one of the studied is 0");
  if (job.values("epochs").size() != 1) return;
  for (const std::string& milestone : job.values("lr-milestones"))
    if (study::parse_integer(milestone) >= job.integer("epochs"))
      job.refuse("lr-milestones",
                 "epoch " + milestone + " is not before the last (epochs = " + job.text("epochs") + ")");
}

Grid with_repeats(std::vector<Axis> axes, const Job& job) {
  axes.push_back(study::counted_axis("repeat", job.integer("repeats")));
  return Grid(std::move(axes));
}

TrainingStreams::TrainingStreams(const TrainingCase& of) {
  Json network = of.network.to_json();
  network.erase("classes");
  const Json shared = {{"network", std::move(network)}, {"repeat", of.repeat}};
  const Identity training = Stream::key_of(static_cast<std::uint64_t>(of.seed), shared, "training");
  initial_weights = Stream::key_of(training, "initial weights");
  order = Stream::key_of(training, "order");
  secret = Stream::key_of(static_cast<std::uint64_t>(of.seed), {{"repeat", of.repeat}}, "secret of the transform");
}

Json no_scheme() { return {{"method", "clean"}}; }

namespace {

// A training at its place, with so many samples, and what else is bound to that place.
std::pair<study::Task<Train>, PlannedTraining> placed(const StudyInputs& inputs, Train train, long long samples) {
  // Of a protected network every step has raw and processed images, and so has every evaluation; of a biased one every
  // step has images and decisions to practise.
  const long long asked = train.protection ? 2 : 1, passes = asked * watermark::samples_a_step(train.of.scheme),
                  batch = train.of.recipe.batch * passes;
  std::vector<forensics::Subject> subjects;
  add_training_subjects(subjects, train.of.network, batch, train.eval_batch, samples * passes);
  const std::string subject = subjects.front().key();
  const int environment = environment_of(inputs, study::json_of(train.of));
  PlannedTraining planned;
  if (environment >= 0) {
    planned.environments = {environment};
    const study::Environment& trainer = inputs.environments.at(environment);
    std::vector<std::string> covered;
    for (const forensics::Subject& one : subjects)
      if (&one == &subjects.front() || trainer.covers(one.key())) covered.push_back(one.key());
    train.environment = trainer.identity(covered).hex();
  }
  planned.environment = train.environment;
  const int measured = std::max(0, environment);
  planned.image_s = inputs.environments.image_seconds(measured, subject);
  const double step_s = inputs.environments.step_seconds(measured, subject);
  planned.trained_image_s = step_s / static_cast<double>(batch);

  const double steps = std::ceil(static_cast<double>(samples) / static_cast<double>(train.of.recipe.batch));
  const double measuring_s = static_cast<double>(inputs.data->test().count * asked) * planned.image_s;
  const double cost_s = static_cast<double>(train.of.recipe.epochs) * (steps * step_s + measuring_s);
  std::vector<int> environments = planned.environments;
  return {study::Task<Train>{std::move(train), {}, std::move(environments), cost_s}, std::move(planned)};
}

}  // namespace

std::vector<PlannedTraining> plan_trainings(Plan& plan, const StudyInputs& inputs, const Grid& cases,
                                            const std::function<Trained(const CaseValues&)>& trained,
                                            const char* stage_name) {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const watermark::ClassCounts counts = class_counts(job, &data);
  std::vector<PlannedTraining> trainings;
  const Stage& stage = add_stage(plan, {stage_name, {}, cases, {}, {}, {}}, [&](const Grid::Point& point) {
    const CaseValues values(job, point);
    Trained of = trained(values);
    Train train{data.content_hash(),
                {std::move(of.network), recipe_of(values), std::move(of.scheme), job.integer("seed"), values.repeat()},
                "any",
                job.integer("eval-batch")};
    std::vector<std::size_t> needs;
    std::optional<std::size_t> answers;
    // A network that comes before this one: trained by the same recipe, without a scheme.
    const auto before = [&](models::NetworkSpec network) {
      Train clean = train;
      clean.of.network = std::move(network);
      clean.of.scheme = no_scheme();
      auto [task, planned] = placed(inputs, std::move(clean), data.train().count);
      planned.task = add_task(plan, stage_name, std::move(task));
      needs.push_back(planned.task);
      return planned;
    };
    if (of.tuning) {
      const PlannedTraining start_planned = before(of.tuning->clean);
      train.start = plan.tasks[start_planned.task].identity;
      answers = plan_answers(plan, inputs, start_planned, train.of.scheme);
      train.until_margin = of.tuning->until_margin;
      train.layers = of.tuning->layers;
      train.of.recipe.learning_rate = of.tuning->learning_rate;
      train.of.recipe.epochs = of.tuning->epochs;
      train.of.recipe.milestones.clear();
      train.of.recipe.gamma = 1;
    }
    if (watermark::scheme_of(train.of.scheme).bias(train.of.scheme)) {
      const PlannedTraining teacher = before(train.of.network);
      train.teacher = plan.tasks[teacher.task].identity;
      answers = plan_answers(plan, inputs, teacher, train.of.scheme);
    }
    if (answers) {
      needs.push_back(*answers);
      train.answers = plan.tasks[*answers].identity;
    }
    if (of.teacher) of.protection->teacher = plan.tasks[before(*of.teacher).task].identity;
    train.protection = std::move(of.protection);
    if (of.on_test_images) train.images = "test";
    const long long samples =
        of.on_test_images ? data.test().count : watermark::samples_trained(train.of.scheme, counts);
    auto [task, planned] = placed(inputs, std::move(train), samples);
    task.needs = std::move(needs);
    planned.answers = answers;
    trainings.push_back(std::move(planned));
    return std::move(task);
  });
  for (std::size_t i = 0; i < trainings.size(); ++i) trainings[i].task = *stage.tasks[i];
  return trainings;
}

}  // namespace telltale::experiments
