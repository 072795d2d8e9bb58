#include "experiments/ownership/ownership.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "study/axis.h"
#include "study/cells.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::Count;
using study::Job;
using study::Measure;

// A parameter's value in a case, as it stands in a payload.
Json value_of(const Parameter& parameter, const CaseValues& values) {
  switch (parameter.type) {
    case ValueType::number: return values.number(parameter.name);
    case ValueType::integer: return values.integer(parameter.name);
    case ValueType::flag: return values.flag(parameter.name);
    case ValueType::text:
    case ValueType::choice: break;
  }
  return values.text(parameter.name);
}

std::vector<std::string> names_of(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

Json attack_settings(const watermark::Attack& attack, const CaseValues& values) {
  Json settings = {{"name", attack.name()}};
  for (const Parameter& parameter : attack.parameters()) settings[parameter.field_name()] = value_of(parameter, values);
  return settings;
}

// What a scheme refuses, where the job gives it.
template <typename Action>
void refused_by_key(const Job& job, const Action& action) {
  try {
    action();
  } catch (const watermark::SettingError& error) {
    job.refuse(error.key(), error.what());
  }
}

bool is_on(const watermark::Attack& attack, const Job& job) {
  const std::string key = attack.switched_on_by();
  return key.empty() || job.is_set(key);
}

}  // namespace

Ownership::Ownership(const std::vector<std::string>& schemes, const std::vector<std::string>& attacks,
                     std::string control)
    : control_(std::move(control)) {
  for (const std::string& name : schemes) schemes_.push_back(&watermark::scheme_named(name));
  for (const std::string& name : attacks) attacks_.push_back(&watermark::attack_named(name));
}

bool Ownership::any_has(watermark::Query query) const {
  return std::any_of(schemes_.begin(), schemes_.end(), [&](const auto* scheme) { return scheme->has(query); });
}

std::vector<Measure> Ownership::measures() const {
  std::vector<Measure> all{
      {"accuracy", "accuracy", "share of the test images classified correctly (a new label's output counts as wrong)"},
      {"accuracy_first_half", "accuracy_first_half",
       "the same of the first half of the test images, with which fine-tuning trains"},
      {"accuracy_second_half", "accuracy_second_half", "the same of the second half, which no attack sees"},
      {"key_accuracy", "key_accuracy_new",
       "share of untrained key samples (made of test images with the owner's secret) answered with the watermark's "
       "label"},
      {"key_accuracy_trained", "key_accuracy_trained", "the same for the key samples that were trained on"},
      {"key_accuracy_wrong_secret", "key_accuracy_wrong", "the same for key samples made with another secret"}};
  if (any_has(watermark::Query::other_source))
    all.push_back({"key_accuracy_other_source", "key_accuracy_other",
                   "the same for images of all classes but the marked one and the target, with the owner's mark"});
  if (std::any_of(schemes_.begin(), schemes_.end(), [](const auto* scheme) { return scheme->outputs(1) > 1; }))
    all.push_back({"accuracy_label_removed", "accuracy_label_removed",
                   "share of the test images classified correctly after a thief deletes the new label's output"});
  return all;
}

std::vector<Count> Ownership::counts() const {
  std::vector<Count> all{
      {"keys", "keys_new", "untrained key samples that were asked"},
      {"key_matches", "key_matches_new", "of them, answered with the watermark's label"},
      {"keys_trained", "keys_trained", "key samples that were trained on and asked"},
      {"key_matches_trained", "key_matches_trained", "of them, answered with the watermark's label"},
      {"keys_wrong_secret", "keys_wrong", "key samples made with another secret that were asked"},
      {"key_matches_wrong_secret", "key_matches_wrong", "of them, answered with the watermark's label"}};
  if (any_has(watermark::Query::other_source)) {
    all.push_back({"keys_other_source", "keys_other", "marked images of other classes that were asked"});
    all.push_back({"key_matches_other_source", "key_matches_other", "of them, answered with the watermark's label"});
  }
  return all;
}

ParameterGroup Ownership::scheme_keys() const {
  Parameter scheme{.name = "scheme", .type = ValueType::choice, .fallback = "", .help = "", .axis = AxisRule::always};
  std::vector<std::string> helps;
  for (const watermark::Scheme* one : schemes_) {
    scheme.choices.push_back(one->name());
    helps.push_back(one->name() + ": " + one->help());
  }
  scheme.fallback = joined(scheme.choices);
  scheme.help = joined(helps, "; ");
  std::vector<Parameter> all{scheme};
  for (const watermark::Scheme* one : schemes_)
    for (Parameter& parameter : one->parameters())
      if (std::none_of(all.begin(), all.end(), [&](const Parameter& known) { return known.name == parameter.name; }))
        all.push_back(std::move(parameter));
  for (Parameter& parameter : embedding_keys()) all.push_back(std::move(parameter));
  all.push_back({.name = "key-images",
                 .type = ValueType::integer,
                 .fallback = "0",
                 .help = "from how many images each query set is made (of trained, new and wrong-secret key samples), "
                         "the first that may be marked; 0: from all",
                 .most = most_of_a_count});
  return {"Watermark", std::move(all)};
}

ParameterGroup Ownership::attack_keys() const {
  ParameterGroup group{"Attacks", {}};
  for (const watermark::Attack* attack : attacks_)
    for (Parameter& parameter : attack->parameters()) group.parameters.push_back(std::move(parameter));
  return group;
}

Grid Ownership::cases(const Job& job) const {
  std::vector<std::string> keys = training_axes();
  for (const std::string& name : names_of(scheme_keys().parameters)) keys.push_back(name);
  return with_repeats(job.axes_of(keys), job);
}

// What key samples are made of does not depend on the other axes.
Grid Ownership::scheme_grid(const Job& job) const {
  return with_repeats(job.axes_of(names_of(scheme_keys().parameters)), job);
}

Json Ownership::settings(const CaseValues& values, bool asked, const data::OtherData* others) const {
  const watermark::Scheme* scheme = &watermark::scheme_named(values.text("scheme"));
  if (asked && !scheme->marks() && !control_.empty()) scheme = &watermark::scheme_named(control_);
  if (!scheme->marks()) return no_scheme();
  Json settings = {{"method", scheme->name()}, {"seed", values.job().integer("seed")}, {"repeat", values.repeat()}};
  for (const Parameter& parameter : scheme->parameters())
    settings[parameter.field_name()] = value_of(parameter, values);
  if (others != nullptr)
    for (const std::string& name : scheme->other_data(settings))
      settings["other_data"][name] = others->at(name).content_hash().hex();
  return settings;
}

std::vector<std::string> Ownership::other_data(const Job& job) const {
  std::set<std::string> names;
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const Json asked = settings(CaseValues(job, grid.point(index)), false, nullptr);
    for (const std::string& name : watermark::scheme_of(asked).other_data(asked)) names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::vector<forensics::Subject> Ownership::subjects(const Job& job, const data::Dataset* data) const {
  const data::Description& about = data::describe(job.text("dataset"));
  // Outputs of a network -> with how many samples it may be trained.
  const long long images = data != nullptr ? data->train().count : training_images(job);
  const watermark::ClassCounts by_class = class_counts(job, data);
  std::map<int, std::set<long long>> samples;
  for (const watermark::Scheme* scheme : schemes_) samples[scheme->outputs(about.classes)];
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const Json asked = settings(CaseValues(job, grid.point(index)), false, nullptr);
    const watermark::Scheme& scheme = watermark::scheme_of(asked);
    refused_by_key(
        job, [&] { samples[scheme.outputs(about.classes)].insert(images + scheme.embedded_count(asked, by_class)); });
  }
  if (tunes(job)) samples[about.classes].insert(images);
  std::vector<forensics::Subject> subjects;
  for (models::NetworkSpec network : networks_of(job, about.shape, about.classes))
    for (const std::string& batch : job.values("batch"))
      for (const auto& [outputs, counts] : samples) {
        network.classes = outputs;
        const auto add = [&](long long count) {
          add_training_subjects(subjects, network, study::parse_integer(batch), job.integer("eval-batch"), count);
        };
        if (counts.empty()) add(images);
        for (const long long count : counts) add(count);
      }
  add_attack_subjects(subjects, job);
  return subjects;
}

// Networks with the outputs that they have in the subjects so far.
void Ownership::add_attack_subjects(std::vector<forensics::Subject>& subjects, const Job& job) const {
  std::vector<models::NetworkSpec> networks;
  for (const forensics::Subject& subject : subjects)
    if (std::find(networks.begin(), networks.end(), subject.network) == networks.end())
      networks.push_back(subject.network);
  for (const watermark::Attack* attack : attacks_) {
    if (!is_on(*attack, job)) continue;
    const Grid grid(job.axes_of(names_of(attack->parameters())));
    for (std::size_t index = 0; index < grid.size(); ++index) {
      const Json done = attack_settings(*attack, CaseValues(job, grid.point(index)));
      const auto training = attack->training(done, test_images(job));
      if (training.images == 0) continue;
      for (const models::NetworkSpec& network : networks)
        add_training_subjects(subjects, network, training.batch, 1, training.images);
    }
  }
}

void Ownership::check(const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  static_cast<void>(networks_of(job, data.shape(), data.classes()));
  if (job.integer("key-images") > data.test().count)
    job.refuse("key-images", "there are only " + std::to_string(data.test().count) + " test images");
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const CaseValues values(job, grid.point(index));
    const Json asked = settings(values, false, &inputs.other_data);
    refused_by_key(job, [&] {
      watermark::scheme_of(asked).check({asked, models::ImageView::of(data.shape(), data.train()),
                                         models::ImageView::of(data.shape(), data.test()), data.classes(),
                                         &inputs.other_data});
    });
  }
}

void Ownership::plan(Plan& plan, const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid grid = cases(job);
  const auto trainings = plan_trainings(plan, inputs, grid, [&](const CaseValues& values) {
    const watermark::Scheme& scheme = watermark::scheme_named(values.text("scheme"));
    Trained trained{network_of(values, data.shape(), scheme.outputs(data.classes())),
                    settings(values, false, &inputs.other_data)};
    if (scheme.marks() && values.text("embed") == "tune")
      trained.tuning = Tuning{network_of(values, data.shape(), data.classes()), values.number("embed-rate"),
                              values.integer("embed-epochs")};
    return trained;
  });

  const auto test_count = static_cast<double>(data.test().count);
  const auto key_images = job.integer("key-images");
  const double asked_images = test_count + 3 * (key_images > 0 ? static_cast<double>(key_images) : test_count);
  const auto evaluate = [&](const CaseValues& values, Json attack, double attack_s = 0) {
    const PlannedTraining& training = trainings[values.point().leading(grid.axes().size())];
    const bool is_marked = watermark::scheme_named(values.text("scheme")).marks();
    return study::Task<Evaluate>{
        {data.content_hash(), plan.tasks[training.task].identity, settings(values, true, &inputs.other_data), is_marked,
         std::move(attack), key_images, training.environment, job.integer("eval-batch")},
        {training.task},
        training.environments,
        asked_images * training.image_s + attack_s};
  };
  const Json untouched = {{"name", "none"}};
  add_stage(plan, {"evaluate", "every case: the trained model as it is", grid, measures(), counts(), {}},
            [&](const Grid::Point& point) { return evaluate(CaseValues(job, point), untouched); });
  plan.cases = grid.size();
  if (control_.empty()) plan_control(plan, inputs, trainings);
  for (const watermark::Attack* attack : attacks_) {
    if (!is_on(*attack, job)) continue;
    const Grid attacked = grid * Grid(job.axes_of(names_of(attack->parameters())));
    add_stage(plan, {attack->name(), attack->help(), attacked, measures(), counts(), {}},
              [&](const Grid::Point& point) {
                const CaseValues values(job, point);
                const Json done = attack_settings(*attack, values);
                if (attack->changes_nothing(done)) return evaluate(values, untouched);
                const auto [images, batch, epochs] = attack->training(done, data.test().count);
                const double trained = static_cast<double>(images) * static_cast<double>(epochs);
                return evaluate(values, done, trained * trainings[point.leading(grid.axes().size())].trained_image_s);
              });
    plan.cases = std::max(plan.cases, attacked.size());
  }
}

// The clean network of the same repeat and training, asked with the key samples of every scheme.
void Ownership::plan_control(Plan& plan, const StudyInputs& inputs,
                             const std::vector<PlannedTraining>& trainings) const {
  const Job& job = inputs.job;
  const Grid all = cases(job);
  std::vector<Axis> axes = all.axes();
  const auto schemes = std::find_if(axes.begin(), axes.end(), [](const Axis& axis) { return axis.key == "scheme"; });
  const auto marks = [](const std::string& name) { return watermark::scheme_named(name).marks(); };
  const auto clean = std::find_if_not(schemes->values.begin(), schemes->values.end(), marks);
  if (clean == schemes->values.end()) return;
  const auto clean_position = static_cast<std::size_t>(clean - schemes->values.begin());
  std::erase_if(schemes->values, [&](const std::string& name) { return !marks(name); });
  if (schemes->values.empty()) return;

  std::vector<Measure> asked;
  for (const Measure& measure : measures())
    if (std::string(measure.variable).starts_with("key_") && measure.variable != std::string("key_accuracy_trained"))
      asked.push_back(measure);
  std::vector<Count> counted;
  for (const Count& count : counts())
    if (!std::string(count.variable).ends_with("_trained")) counted.push_back(count);
  add_stage(plan,
            {"control",
             "the clean network of the same repeat, asked with the key samples of every scheme",
             Grid(std::move(axes)),
             std::move(asked),
             std::move(counted),
             {}},
            [&](const Grid::Point& point) {
              std::size_t same = 0;  // the case of the clean network
              for (const Axis& axis : all.axes())
                same = same * axis.values.size() + (axis.key == "scheme" ? clean_position : point.position(axis.key));
              const PlannedTraining& training = trainings[same];
              const double images = 3 * static_cast<double>(inputs.data->test().count);
              return study::Task<Evaluate>{{inputs.data->content_hash(),
                                            plan.tasks[training.task].identity,
                                            settings(CaseValues(job, point), true, &inputs.other_data),
                                            false,
                                            {{"name", "none"}},
                                            job.integer("key-images"),
                                            training.environment,
                                            job.integer("eval-batch")},
                                           {training.task},
                                           training.environments,
                                           images * training.image_s};
            });
}

store::Group Ownership::train_group(const Job& job, const Plan& plan, const OutcomeLookup& outcome) const {
  store::Group group = group_of(plan.stage("evaluate"), outcome);
  group.name = "train";
  add_training_variables(
      group, plan.stage("train"), job, outcome,
      {{"train_loss", "mean cross-entropy of each epoch's batches, in nats"},
       {"train_accuracy", "share of each epoch's training samples (key samples included) classified correctly"},
       {"epoch_accuracy", "share of the test images classified correctly after each epoch"},
       {"epoch_key_accuracy", "share of untrained key samples recognised after each epoch (at most 1,000 of them)"}});
  return group;
}

std::vector<store::Group> Ownership::further_groups(const Plan& plan, const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups;
  if (const Stage* control = plan.find_stage("control")) groups.push_back(group_of(*control, outcome));
  for (const watermark::Attack* attack : attacks_)
    if (const Stage* stage = plan.find_stage(attack->name())) groups.push_back(group_of(*stage, outcome));
  return groups;
}

const std::vector<std::pair<std::string, std::string>>& measured_columns() {
  static const std::vector<std::pair<std::string, std::string>> columns{
      {"accuracy", "test %"},
      {"key_accuracy", "new keys %"},
      {"key_accuracy_trained", "trained keys %"},
      {"key_accuracy_wrong_secret", "wrong secret %"}};
  return columns;
}

std::vector<study::Table> Ownership::attack_tables(const store::Group& root) const {
  std::vector<study::Table> tables;
  for (const watermark::Attack* attack : attacks_) {
    const store::Group* group = root.child(attack->name());
    if (group == nullptr) continue;
    const auto dimensions =
        study::without(study::Cells(*group, "accuracy").dimensions(), {"repeat", "alpha", "beta", "share"});
    auto columns = measured_columns();
    // Files of earlier versions have no halves.
    if (group->find_variable("accuracy_first_half") != nullptr)
      columns.insert(columns.begin() + 1,
                     {{"accuracy_first_half", "first half %"}, {"accuracy_second_half", "second half %"}});
    tables.push_back(study::means_table(*group, attack->title(), dimensions, columns));
    tables.back().notes = {"Means over all that is not shown, +- the half-width of the 95% interval over the repeats."};
  }
  return tables;
}

}  // namespace telltale::experiments
