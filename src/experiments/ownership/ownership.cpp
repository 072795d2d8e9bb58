#include "experiments/ownership/ownership.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "experiments/settings.h"
#include "study/axis.h"
#include "study/cells.h"
#include "watermark/bias_queries.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::Count;
using study::Job;
using study::Measure;

// What a scheme refuses, where the job gives it.
template <typename Action>
void refused_by_key(const Job& job, const Action& action) {
  try {
    action();
  } catch (const watermark::SettingError& error) {
    job.refuse(error.key(), error.what());
  }
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
  const bool joint = std::any_of(schemes_.begin(), schemes_.end(),
                                 [](const watermark::Scheme* one) { return one->marks() && !one->needs_answers(); });
  for (Parameter& parameter : embedding_keys(joint)) all.push_back(std::move(parameter));
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

Grid Ownership::marked_cases(const Job& job) const {
  std::vector<Axis> axes = cases(job).axes();
  for (Axis& axis : axes)
    if (axis.key == "scheme")
      std::erase_if(axis.values, [](const std::string& name) { return !watermark::scheme_named(name).marks(); });
  return Grid(std::move(axes));
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
  for (const Parameter& parameter : scheme->parameters()) {
    Json value = value_of(parameter, values);
    if (!parameter.omitted_at_default || value != Json(parameter.fallback))
      settings[parameter.field_name()] = std::move(value);
  }
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
  // Outputs of a network -> with how many samples it may be trained, and how many of them a step computes for each.
  const long long images = data != nullptr ? data->train().count : training_images(job);
  const watermark::ClassCounts by_class = class_counts(job, data);
  std::map<int, std::set<std::pair<long long, int>>> samples;
  for (const watermark::Scheme* scheme : schemes_) samples[scheme->outputs(about.classes)];
  const Grid grid = scheme_grid(job);
  for (std::size_t index = 0; index < grid.size(); ++index) {
    const Json asked = settings(CaseValues(job, grid.point(index)), false, nullptr);
    const watermark::Scheme& scheme = watermark::scheme_of(asked);
    refused_by_key(job, [&] {
      samples[scheme.outputs(about.classes)].emplace(watermark::samples_trained(asked, by_class),
                                                     watermark::samples_a_step(asked));
    });
    if (scheme.bias(asked)) samples[about.classes].emplace(images, 1);  // its teacher
  }
  if (tunes(job)) samples[about.classes].emplace(images, 1);
  std::vector<forensics::Subject> subjects;
  for (models::NetworkSpec network : networks_of(job, about.shape, about.classes))
    for (const std::string& batch : job.values("batch"))
      for (const auto& [outputs, counts] : samples) {
        network.classes = outputs;
        const auto add = [&](long long count, int times) {
          add_training_subjects(subjects, network, study::parse_integer(batch) * times, job.integer("eval-batch"),
                                count * times);
        };
        if (counts.empty()) add(images, 1);
        for (const auto& [count, times] : counts) add(count, times);
      }
  add_attack_subjects(subjects, job);
  add_null_subjects(subjects, job);
  add_machine_subjects(subjects, job);
  return subjects;
}

// Networks with the outputs that they have in the subjects so far.
void Ownership::add_attack_subjects(std::vector<forensics::Subject>& subjects, const Job& job) const {
  std::vector<models::NetworkSpec> networks;
  for (const forensics::Subject& subject : subjects)
    if (std::find(networks.begin(), networks.end(), subject.network) == networks.end())
      networks.push_back(subject.network);
  for (const models::NetworkSpec& network : networks)
    experiments::add_attack_subjects(subjects, attacks_, network, job);
}

void Ownership::check(const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  static_cast<void>(networks_of(job, data.shape(), data.classes()));
  if (job.integer("key-images") > data.test().count)
    job.refuse("key-images", "there are only " + std::to_string(data.test().count) + " test images");
  check_claims(job);
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

}  // namespace telltale::experiments
