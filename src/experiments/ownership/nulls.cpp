// Null models: networks that carry nothing of a key, in strata, and every case's key put to them.
#include <algorithm>
#include <iterator>

#include "experiments/ownership/claims.h"
#include "experiments/ownership/ownership.h"
#include "experiments/settings.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::Job;

constexpr std::int64_t first_repeat = 1000000;  // above every repeat of a study

bool has_stratum(const Job& job, const std::string& name) {
  if (!claims(job) || job.integer("null-models") == 0) return false;
  const auto& strata = job.values("null-strata");
  return std::find(strata.begin(), strata.end(), name) != strata.end();
}

}  // namespace

const PlannedTraining& Ownership::Strangers::at(const Grid::Point& point, std::int64_t number) const {
  return trainings[case_at(grid, point, {{"repeat", std::to_string(first_repeat + number)}})];
}

Ownership::Strangers Ownership::plan_strangers(Plan& plan, const StudyInputs& inputs, std::int64_t count,
                                               std::int64_t first, const char* stage, const TrainedOf& trained) {
  std::vector<Axis> axes = inputs.job.axes_of(training_axes());
  axes.push_back(study::counted_axis("repeat", count, first));
  Strangers planned{Grid(std::move(axes)), {}, count, first};
  planned.trainings = plan_trainings(plan, inputs, planned.grid, trained, stage);
  return planned;
}

void Ownership::check_claims(const Job& job) const {
  if (!job.has("decoys")) return;
  const char* without_decoys = "claims are looked at with `decoys` alone, and there are none";
  for (const char* key : {"false-claims", "machines-prune-rate"})
    if (!claims(job) && job.is_set(key)) job.refuse(key, without_decoys);
  if (!claims(job) && job.integer("null-models") > 0) job.refuse("null-models", without_decoys);
  if (has_stratum(job, "structure")) {
    if (!job.is_set("null-network"))
      job.refuse("null-strata", "null models of another structure need its name: null-network");
    const auto& networks = job.values("network");
    if (std::find(networks.begin(), networks.end(), job.text("null-network")) != networks.end())
      job.refuse("null-network", job.text("null-network") + " is what the cases are: another structure is needed");
  }
  const auto& schemes = job.values("scheme");
  const auto marking = std::count_if(schemes.begin(), schemes.end(),
                                     [](const std::string& name) { return watermark::scheme_named(name).marks(); });
  if (has_stratum(job, "marked") && marking < 2)
    job.refuse("null-strata", "differently marked null models need a second scheme that marks");
}

void Ownership::add_null_subjects(std::vector<forensics::Subject>& subjects, const Job& job) const {
  if (!has_stratum(job, "structure") && !has_stratum(job, "data")) return;
  const data::Description& about = data::describe(job.text("dataset"));
  const auto add = [&](const models::NetworkSpec& network, long long images) {
    for (const std::string& batch : job.values("batch"))
      add_training_subjects(subjects, network, study::parse_integer(batch), job.integer("eval-batch"), images);
  };
  if (has_stratum(job, "structure") && job.is_set("null-network"))
    add({job.text("null-network"), about.shape, about.classes, {}}, training_images(job));
  if (has_stratum(job, "data"))
    for (const models::NetworkSpec& network : networks_of(job, about.shape, about.classes))
      add(network, test_images(job));
}

Ownership::Strangers Ownership::plan_nulls(Plan& plan, const StudyInputs& inputs,
                                           const std::vector<PlannedTraining>& trainings) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid all = cases(job);
  std::map<std::string, Strangers> strata;
  const auto train = [&](const std::string& stratum, const TrainedOf& trained) {
    if (has_stratum(job, stratum))
      strata[stratum] = plan_strangers(plan, inputs, job.integer("null-models"), first_repeat,
                                       ("null-models-" + stratum).c_str(), trained);
  };
  train("same", [&](const CaseValues& values) {
    return Trained{network_of(values, data.shape(), data.classes()), no_scheme()};
  });
  train("structure", [&](const CaseValues&) {
    return Trained{{job.text("null-network"), data.shape(), data.classes(), {}}, no_scheme()};
  });
  train("data", [&](const CaseValues& values) {
    Trained on_others{network_of(values, data.shape(), data.classes()), no_scheme()};
    on_others.on_test_images = true;
    return on_others;
  });

  // Each scheme as its first case has it, as often as it takes for every key to meet so many of the others.
  std::map<std::string, std::string> first_of_each;
  std::vector<Axis> axes = cases(job).axes();
  std::vector<std::string> marking;
  for (const std::string& name : job.values("scheme"))
    if (watermark::scheme_named(name).marks()) marking.push_back(name);
  const auto others = static_cast<std::int64_t>(marking.size()) - 1;
  const auto of_scheme = names_of(scheme_keys().parameters);
  for (Axis& axis : axes) {
    if (axis.key == "scheme") {
      axis.values = marking;
    } else if (axis.key == "repeat") {
      const std::int64_t needed = others > 0 ? (job.integer("null-models") + others - 1) / others : 0;
      axis = study::counted_axis("repeat", needed, first_repeat);
    } else if (std::find(of_scheme.begin(), of_scheme.end(), axis.key) != of_scheme.end()) {
      axis.values.resize(1);
      first_of_each[axis.key] = axis.values.front();
    }
  }
  const Grid marked_networks(std::move(axes));
  std::vector<PlannedTraining> by_others;
  if (has_stratum(job, "marked"))
    by_others = plan_trainings(
        plan, inputs, marked_networks, [&](const CaseValues& values) { return marked(values, inputs); },
        "null-models-marked");
  // Of a scheme's key the networks of all others in turn.
  const auto marked_by_others = [&](const Grid::Point& point, const std::string& scheme, std::int64_t model) {
    std::vector<std::string> met;
    std::copy_if(marking.begin(), marking.end(), std::back_inserter(met),
                 [&](const std::string& name) { return name != scheme; });
    std::map<std::string, std::string> but_for = first_of_each;
    but_for["scheme"] = met[static_cast<std::size_t>(model % others)];
    but_for["repeat"] = std::to_string(first_repeat + model / others);
    return by_others[case_at(marked_networks, point, but_for)];
  };

  Axis axis =
      study::counted_axis("null_model", job.integer("null-models"), 0, "network that carries nothing of the key");
  add_stage(plan,
            {"null",
             "networks that carry nothing of a key, asked what every claim asks",
             all * Grid({null_stratum(job), std::move(axis)}),
             {{"claim_score", "claim_score", "the claim's statistic"}},
             {{"claim_matches", "claim_matches", "key samples answered with the claimed label"}},
             {}},
            [&](const Grid::Point& point) -> std::optional<study::Task<AskNull>> {
              const CaseValues values(job, point);
              const std::string scheme = values.text("scheme"), stratum = point.text(null_stratum_axis);
              // A network without the claimed label never gives it: that says nothing.
              const watermark::Scheme& marking_it = watermark::scheme_named(scheme);
              if (!marking_it.marks() || marking_it.outputs(data.classes()) > data.classes()) return {};
              const long long model = point.integer("null_model");
              const PlannedTraining of =
                  stratum == "marked" ? marked_by_others(point, scheme, model) : strata.at(stratum).at(point, model);
              study::Task<AskNull> task{
                  {data.content_hash(), plan.tasks[of.task].identity, settings(values, true, &inputs.other_data),
                   job.integer("key-images"), ClaimSettings::of(job), of.environment, job.integer("eval-batch")},
                  {of.task},
                  of.environments,
                  static_cast<double>(job.integer("claim-queries")) * of.image_s};
              if (const auto& answers = trainings[point.leading(all.axes().size())].answers) {
                task.payload.answers = plan.tasks[*answers].identity;
                task.needs.push_back(*answers);
              }
              return task;
            });
  return std::move(strata["same"]);
}

}  // namespace telltale::experiments
