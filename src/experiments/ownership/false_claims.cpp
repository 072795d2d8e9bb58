// The stage `false-claims`: every scheme's keys forged in every way, against networks of owners and of nobody.
#include "experiments/ownership/false_claims.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "experiments/ownership/ownership.h"
#include "watermark/forgery.h"

namespace telltale::experiments {
namespace {

using study::Job;

constexpr std::int64_t claimants_first_repeat = 2000000;  // above those of null models
constexpr double descent_steps = 40;                      // of a transferable key, forward and backward

}  // namespace

const std::vector<std::pair<const char*, const char*>>& claim_standards() {
  static const std::vector<std::pair<const char*, const char*>> standards{
      {"passes_raw", "the verdict of the scheme's own paper"},
      {"passes_regeneration", "that, and the scheme makes these samples of a secret"},
      {"passes_secrets", "that, and decoy secrets and drawn labels, where the scheme has them, say 1%"},
      {"passes_nulls", "that, and the judge's null models say 1%"},
      {"passes_commitment",
       "that, of a key that was committed to before the suspect was seen, and every p-value times the keys tried says "
       "1%"}};
  return standards;
}

ParameterGroup false_claim_keys() {
  using enum ValueType;
  std::vector<std::string> names, helps;
  for (const watermark::Forgery& forgery : watermark::forgeries()) {
    names.push_back(forgery.name);
    helps.push_back(forgery.name + ": " + forgery.help);
  }
  return {"False claims",
          {{.name = "false-claims",
            .type = choice,
            .fallback = "",
            .help = "how somebody who did not mark a network comes by a key for it; " + joined(helps, "; ") +
                    "; empty: nobody does",
            .axis = AxisRule::always,
            .choices = names,
            .optional = true,
            .dimension = "forgery"},
           {.name = "false-claim-tries",
            .type = integer,
            .fallback = "1000",
            .help = "how many secrets such a claimant goes through",
            .least = 1,
            .most = 1e6},
           {.name = "false-claim-networks",
            .type = integer,
            .fallback = "5",
            .help = "how many networks he has trained himself, as the cases are, without a watermark",
            .least = 1,
            .most = 1000},
           {.name = "false-claim-epsilon",
            .type = number,
            .fallback = "0.1",
            .help = "by how much he changes a pixel of [0, 1] where his keys are to transfer",
            .least = 1e-9,
            .most = 1}}};
}

bool has_false_claims(const Job& job) { return claims(job) && job.is_set("false-claims"); }

std::vector<study::Measure> false_claim_measures() {
  return {
      {"p_key", "p_key", "probability of so many matches for a secret that the network does not depend on, by decoys"},
      {"p_labels", "p_labels", "the same, exactly, where labels are drawn"},
      {"p_model", "p_model",
       "probability of so many matches for the judge's null models, which are asked about claims that pass all "
       "standards before"}};
}

std::vector<study::Count> false_claim_counts() {
  std::vector<study::Count> counts{
      {"claim_queries", "claim_queries", "samples that the claim asks; -1 where no such key can be made"},
      {"claim_matches", "claim_matches", "of them, answered with the claimed label"},
      {"claim_matches_before", "claim_matches_before",
       "of a key that was embedded into a stolen network, as that network was before: the second owner's key is not in "
       "the first owner's original"},
      {"tries", "tries", "among how many keys the claimant chose"}};
  for (const auto& [variable, help] : claim_standards()) counts.push_back({variable, variable, help});
  return counts;
}

void Ownership::plan_false_claims(Plan& plan, const StudyInputs& inputs, const std::vector<PlannedTraining>& trainings,
                                  const Strangers& judges) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const Grid all = cases(job);
  const Strangers own = plan_strangers(plan, inputs, job.integer("false-claim-networks"), claimants_first_repeat,
                                       "claimants-networks", [&](const CaseValues& values) {
                                         return Trained{network_of(values, data.shape(), data.classes()), no_scheme()};
                                       });

  const Grid claims = marked_cases(job) * Grid({suspect_axis(job), job.axis_of("false-claims")});
  add_stage(plan,
            {"false-claims",
             "networks claimed by those who did not mark them",
             claims,
             false_claim_measures(),
             false_claim_counts(),
             {}},
            [&](const Grid::Point& point) {
              const CaseValues values(job, point);
              const PlannedTraining& suspect = trainings[suspect_at(all, job, point)];
              study::Task<FalseClaim> task{{data.content_hash(),
                                            plan.tasks[suspect.task].identity,
                                            watermark::rival_settings(settings(values, true, &inputs.other_data)),
                                            point.text("false-claims"),
                                            ClaimSettings::of(job),
                                            job.integer("key-images"),
                                            job.integer("false-claim-tries"),
                                            job.number("false-claim-epsilon"),
                                            {},
                                            {},
                                            suspect.environment,
                                            job.integer("eval-batch")},
                                           {suspect.task},
                                           suspect.environments,
                                           0};
              const auto add = [&](std::vector<Identity>& to, const Strangers& networks) {
                for (std::int64_t i = 0; i < networks.count; ++i) {
                  const PlannedTraining& one = networks.at(point, i);
                  to.push_back(plan.tasks[one.task].identity);
                  task.needs.push_back(one.task);
                }
              };
              add(task.payload.ensemble, own), add(task.payload.nulls, judges);
              const Json& scheme = task.payload.scheme;
              if (const auto answers = plan_answers(plan, inputs, own.at(point, 0), scheme)) {
                task.payload.answers = plan.tasks[*answers].identity;
                task.needs.push_back(*answers);
              }
              const bool asks_each_secret = watermark::scheme_of(scheme).secret(scheme) == watermark::Secret::images;
              const auto queries = static_cast<double>(job.integer("claim-queries"));
              double asked = queries * static_cast<double>(judges.count);
              if (asks_each_secret) asked += queries * static_cast<double>(task.payload.claim.decoys);
              if (asks_each_secret && task.payload.forgery == "secrets")
                asked += queries * static_cast<double>(task.payload.tries);
              if (task.payload.forgery.starts_with("transfer"))
                asked += 3 * queries * descent_steps * static_cast<double>(own.count);
              task.cost_s = asked * suspect.image_s;
              if (task.payload.forgery == "overwrite")
                task.cost_s += 2.5 * static_cast<double>(data.test().count) * suspect.trained_image_s;
              return task;
            });
}

}  // namespace telltale::experiments
