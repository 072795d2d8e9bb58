#include "experiments/ownership/machines.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "experiments/ownership/ownership.h"
#include "experiments/predictions.h"
#include "forensics/comparison.h"
#include "study/axis.h"
#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

using study::Job;
using study::missing;

constexpr const char* rate_key = "machines-prune-rate";
constexpr std::int64_t not_asked = -1;

models::NetworkSpec network_of_case(const CaseValues& values, const data::ImageShape& shape, int classes) {
  return network_of(values, shape, watermark::scheme_named(values.text("scheme")).outputs(classes));
}

// Whether some element of a row is not the first of those that are there.
template <typename T>
bool parts(const std::vector<std::span<const T>>& machines, std::size_t at) {
  return std::any_of(machines.begin(), machines.end(),
                     [&](const auto& one) { return one[at] != machines.front()[at]; });
}

}  // namespace

ParameterGroup machine_keys() {
  using enum ValueType;
  return {"Claims on every environment",
          {{.name = rate_key,
            .type = number,
            .fallback = "",
            .help = "shares of the weights set to zero in networks whose watermark every environment reads; empty: "
                    "none does",
            .axis = AxisRule::always,
            .most = 0.9999,
            .optional = true},
           {.name = "machines-batch",
            .type = integer,
            .fallback = "1",
            .help = "images at a time that are asked there: the batch size changes bits",
            .least = 1,
            .most = 65536}}};
}

bool reads_on_machines(const Job& job) { return claims(job) && job.is_set(rate_key); }

void Ownership::add_machine_subjects(std::vector<forensics::Subject>& subjects, const Job& job) const {
  if (!reads_on_machines(job)) return;
  const data::Description& about = data::describe(job.text("dataset"));
  std::set<int> outputs;
  for (const std::string& scheme : job.values("scheme"))
    outputs.insert(watermark::scheme_named(scheme).outputs(about.classes));
  for (models::NetworkSpec network : networks_of(job, about.shape, about.classes))
    for (const int count : outputs) {
      network.classes = count;
      subjects.push_back(prediction_subject(network, job.integer("machines-batch"), 1, "float32"));
    }
}

void Ownership::plan_machines(Plan& plan, const StudyInputs& inputs,
                              const std::vector<PlannedTraining>& trainings) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid all = cases(job), marked = marked_cases(job);
  add_stage(plan,
            {"machines",
             "every watermark claimed on every environment, of networks that were pruned more and more",
             marked * Grid({job.axis_of(rate_key), environment_axis(inputs.environments)}),
             {},
             {},
             {}},
            [&](const Grid::Point& point) {
              const CaseValues values(job, point);
              const PlannedTraining& training = trainings[case_at(all, point, {})];
              const auto e = static_cast<int>(point.position("environment"));
              const study::Environment& environment = inputs.environments.at(e);
              const double rate = point.number(rate_key);
              const std::string subject = prediction_subject(network_of_case(values, data.shape(), data.classes()),
                                                             job.integer("machines-batch"), 1, "float32")
                                              .key();
              study::Task<ReadOnMachine> task{
                  {data.content_hash(), plan.tasks[training.task].identity, settings(values, true, &inputs.other_data),
                   rate == 0 ? untouched() : Json{{"name", "prune"}, {"rate", rate}, {"scope", "global"}},
                   ClaimSettings::of(job), job.integer("key-images"), job.integer("machines-batch"),
                   environment.profile, environment.identity()},
                  {training.task},
                  {e},
                  static_cast<double>(job.integer("claim-queries") * (1 + job.integer("decoys"))) *
                      inputs.environments.image_seconds(e, subject)};
              if (training.answers) {
                task.payload.answers = plan.tasks[*training.answers].identity;
                task.needs.push_back(*training.answers);
              }
              return task;
            });
}

store::Group machines_group(const Stage& stage, const Grid& cases, const Stage* nulls, const StudyInputs& inputs,
                            const OutcomeLookup& outcome) {
  const Job& job = inputs.job;
  store::Group group = group_over(stage.grid, stage.name, stage.help);
  const std::size_t machines = inputs.environments.names().size(), points = stage.grid.size();
  std::vector<study::Axis> axes = stage.grid.axes();
  axes.pop_back();
  const Grid networks(std::move(axes));
  std::vector<std::int64_t> queries, matches;
  std::vector<double> by_key, by_labels, by_model;
  std::vector<std::string> verdicts;
  for (std::size_t point = 0; point < points; ++point) {
    const Outcome* one = study::done(outcome, stage.tasks[point]);
    queries.push_back(study::count_of(one, "claim_queries")), matches.push_back(study::count_of(one, "claim_matches"));
    by_key.push_back(study::number_of(one, "p_key")), by_labels.push_back(study::number_of(one, "p_labels"));
    by_model.push_back(missing);
    std::vector<watermark::ClaimTest> tests;
    if (!std::isnan(by_key.back()))
      tests.push_back(
          {"decoys", by_key.back(), watermark::rank_resolution(static_cast<std::size_t>(job.integer("decoys")))});
    if (!std::isnan(by_labels.back())) tests.push_back({"drawn labels", by_labels.back(), 0});
    if (one != nullptr && nulls != nullptr)
      for (const NullsGiven& given :
           nulls_given(*nulls, cases.size(), case_at(cases, stage.grid.point(point), {}), outcome)) {
        const double p = given.p(ClaimGiven::of(*one));
        by_model.back() = std::isnan(by_model.back()) ? p : std::max(by_model.back(), p);
        tests.push_back({"null models", p, watermark::rank_resolution(given.models.size())});
      }
    verdicts.emplace_back(tests.empty() ? "" : watermark::name_of(watermark::judge(true, tests).verdict));
  }
  std::vector<std::int64_t> labels_part, bits_part;
  std::vector<std::string> first_layer;
  for (std::size_t network = 0; network < networks.size(); ++network) {
    std::vector<std::span<const std::int32_t>> labels;
    std::vector<const Array*> hashes;
    for (std::size_t m = 0; m < machines; ++m)
      if (const Outcome* one = study::done(outcome, stage.tasks[network * machines + m])) {
        labels.push_back(one->values.at("labels").as<std::int32_t>());
        hashes.push_back(&one->values.at("layer_hashes"));
      }
    std::int64_t labelled = labels.size() < 2 ? not_asked : 0, changed = labelled;
    std::size_t layer = SIZE_MAX;
    if (labels.size() > 1) {
      const auto count = labels.front().size(), layers = static_cast<std::size_t>(hashes.front()->shape[0]);
      std::vector<std::span<const std::int64_t>> bits;
      for (const Array* one : hashes) bits.push_back(one->as<std::int64_t>());
      for (std::size_t query = 0; query < count; ++query) {
        if (parts(labels, query)) ++labelled;
        std::size_t first = 0;
        while (first < layers && !parts(bits, first * count + query)) ++first;
        if (first < layers) ++changed, layer = std::min(layer, first);
      }
    }
    labels_part.push_back(labelled), bits_part.push_back(changed);
    const CaseValues values(job, networks.point(network));
    const auto& names = inputs.environments.layers.at(
        prediction_subject(network_of_case(values, inputs.data->shape(), inputs.data->classes()),
                           job.integer("machines-batch"), 1, "float32")
            .key());
    first_layer.push_back(layer == SIZE_MAX ? "" : names.at(layer));
  }
  add_variable(group, stage.grid, "claim_queries", {}, queries, "key samples that the claim asks; -1 while missing");
  add_variable(group, stage.grid, "claim_matches", {}, matches,
               "of them, answered with the claimed label on this environment; -1 while missing");
  add_variable(group, stage.grid, "p_key", {}, by_key,
               "probability of so many matches for a secret that the network does not depend on, by decoys asked there",
               "1");
  add_variable(group, stage.grid, "p_labels", {}, by_labels, "the same, exactly, where labels are drawn", "1");
  add_variable(
      group, stage.grid, "p_model", {}, by_model,
      "probability of so many matches for the study's null models (of the worst stratum), as they answered where "
      "they were trained",
      "1");
  group.variables.push_back(study::texts("verdict", stage.grid.dimensions(), verdicts,
                                         "of the claim on this environment at 1%; empty where there is none"));
  add_variable(group, networks, "labels_part", {}, labels_part,
               "queries to which not all environments give the same label; -1 while fewer than two have answered");
  add_variable(group, networks, "bits_part", {}, bits_part,
               "queries of which some layer's output differs in any bit between environments; -1 likewise");
  group.variables.push_back(study::texts("first_layer", networks.dimensions(), first_layer,
                                         "the first layer that does; empty where none does"));
  return group;
}

}  // namespace telltale::experiments
