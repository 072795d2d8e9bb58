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
using study::Job;
using study::Measure;

const std::vector<Measure>& measures() {
  static const std::vector<Measure> all{
      {"accuracy", "accuracy", "share of the test images classified correctly (a new label's output counts as wrong)"},
      {"accuracy_first_half", "accuracy_first_half",
       "the same of the first half of the test images, with which fine-tuning trains"},
      {"accuracy_second_half", "accuracy_second_half", "the same of the second half, which no attack sees"},
      {"key_accuracy", "key_accuracy_new",
       "share of untrained key samples (test images with the secret's noise) answered with the watermark's label"},
      {"key_accuracy_trained", "key_accuracy_trained", "the same for the key samples that were trained on"},
      {"key_accuracy_wrong_secret", "key_accuracy_wrong", "the same for key samples made with another secret"},
      {"accuracy_label_removed", "accuracy_label_removed",
       "share of the test images classified correctly after a thief deletes the new label's output"}};
  return all;
}

const std::vector<study::Count>& counts() {
  static const std::vector<study::Count> all{
      {"keys", "keys_new", "untrained key samples that were asked"},
      {"key_matches", "key_matches_new", "of them, answered with the watermark's label"},
      {"keys_trained", "keys_trained", "key samples that were trained on and asked"},
      {"key_matches_trained", "key_matches_trained", "of them, answered with the watermark's label"},
      {"keys_wrong_secret", "keys_wrong", "key samples made with another secret that were asked"},
      {"key_matches_wrong_secret", "key_matches_wrong", "of them, answered with the watermark's label"}};
  return all;
}

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

Json Ownership::settings(const CaseValues& values, bool asked) const {
  const watermark::Scheme* scheme = &watermark::scheme_named(values.text("scheme"));
  if (asked && !scheme->marks()) scheme = &watermark::scheme_named(control_);
  if (!scheme->marks()) return no_scheme();
  Json settings = {{"method", scheme->name()}, {"seed", values.job().integer("seed")}, {"repeat", values.repeat()}};
  for (const Parameter& parameter : scheme->parameters())
    settings[parameter.field_name()] = value_of(parameter, values);
  return settings;
}

std::vector<forensics::Subject> Ownership::subjects(const Job& job) const {
  const data::Description& about = data::describe(job.text("dataset"));
  // Outputs of a network -> with how many samples it may be trained.
  const long long images = training_images(job);
  std::map<int, std::set<long long>> samples;
  for (const watermark::Scheme* scheme : schemes_) samples[scheme->outputs(about.classes)];
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const Json asked = settings(CaseValues(job, grid.point(index)), false);
    const watermark::Scheme& scheme = watermark::scheme_of(asked);
    try {
      samples[scheme.outputs(about.classes)].insert(images + scheme.embedded_count(asked, images));
    } catch (const InputError& error) {
      job.refuse("alpha", error.what());
    }
  }
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
  if (job.has("target") && job.integer("target") >= data.classes())
    job.refuse("target", "class " + job.text("target") + " is none of the " + std::to_string(data.classes()) +
                             " classes of " + data.name());
  if (job.integer("key-images") > data.test().count)
    job.refuse("key-images", "there are only " + std::to_string(data.test().count) + " test images");
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const CaseValues values(job, grid.point(index));
    const Json asked = settings(values, false);
    try {
      watermark::scheme_of(asked).check({asked, models::ImageView::of(data.shape(), data.train()),
                                         models::ImageView::of(data.shape(), data.test()), data.classes()});
    } catch (const InputError& error) {
      job.refuse("alpha", error.what());
    }
  }
}

void Ownership::plan(Plan& plan, const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid grid = cases(job);
  const auto trainings = plan_trainings(plan, inputs, grid, [&](const CaseValues& values) {
    const watermark::Scheme& scheme = watermark::scheme_named(values.text("scheme"));
    return Trained{network_of(values, data.shape(), scheme.outputs(data.classes())), settings(values, false)};
  });

  const auto test_count = static_cast<double>(data.test().count);
  const auto key_images = job.integer("key-images");
  const double asked_images = test_count + 3 * (key_images > 0 ? static_cast<double>(key_images) : test_count);
  const auto evaluate = [&](const CaseValues& values, Json attack, double attack_s = 0) {
    const PlannedTraining& training = trainings[values.point().leading(grid.axes().size())];
    const bool is_marked = watermark::scheme_named(values.text("scheme")).marks();
    return study::Task<Evaluate>{
        {data.content_hash(), plan.tasks[training.task].identity, settings(values, true), is_marked, std::move(attack),
         key_images, training.environment, job.integer("eval-batch")},
        {training.task},
        training.environments,
        asked_images * training.image_s + attack_s};
  };
  const Json untouched = {{"name", "none"}};
  add_stage(plan, {"evaluate", "every case: the trained model as it is", grid, measures(), counts(), {}},
            [&](const Grid::Point& point) { return evaluate(CaseValues(job, point), untouched); });
  plan.cases = grid.size();
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

std::vector<store::Group> Ownership::attack_groups(const Plan& plan, const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups;
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
    const auto dimensions = study::without(study::Cells(*group, "accuracy").dimensions(), {"repeat", "alpha", "beta"});
    auto columns = measured_columns();
    // Files of earlier versions have no halves.
    if (group->find_variable("accuracy_first_half") != nullptr)
      columns.insert(columns.begin() + 1,
                     {{"accuracy_first_half", "first half %"}, {"accuracy_second_half", "second half %"}});
    tables.push_back(study::means_table(*group, attack->title(), dimensions, columns));
    tables.back().notes = {"Means over alpha and beta, +- the half-width of the 95% interval over the repeats."};
  }
  return tables;
}

}  // namespace telltale::experiments
