// How a watermark comes into a network: trained on from the start, or into a finished one.
#include <algorithm>

#include "experiments/classification.h"
#include "experiments/near_decisions.h"
#include "experiments/training.h"
#include "study/axis.h"

namespace telltale::experiments {

std::vector<Parameter> embedding_keys(bool joint) {
  using enum ValueType;
  std::vector<Parameter> keys{
      {.name = "embed-rate",
       .type = number,
       .fallback = "0.01",
       .help = "learning rate of embedding into a finished network",
       .axis = AxisRule::allowed,
       .least = 1e-12,
       .most = 1000},
      {.name = "embed-epochs",
       .type = integer,
       .fallback = "2",
       .help = "passes of embedding into a finished network over all that it trains on",
       .axis = AxisRule::allowed,
       .least = 1,
       .most = 100000},
      {.name = "embed-layers",
       .type = choice,
       .fallback = "all",
       .help = "which layers embedding into a finished network trains: all, or the output layer alone (last)",
       .axis = AxisRule::allowed,
       .choices = {"all", "last"}},
      {.name = "embed-margin",
       .type = number,
       .fallback = "",
       .help = "embedding into a finished network ends after the first pass in which the logit of every key sample's "
               "label exceeds all others by so much; empty: after embed-epochs",
       .most = 1000,
       .optional = true}};
  if (joint)
    keys.insert(keys.begin(),
                {.name = "embed",
                 .type = choice,
                 .fallback = "joint",
                 .help = "key samples are trained on from the start (joint, as the papers do), or embedded into the "
                         "finished clean network of the same repeat (tune)",
                 .axis = AxisRule::allowed,
                 .choices = {"joint", "tune"}});
  return keys;
}

bool tunes(const study::Job& job) {
  if (!job.has("embed-epochs")) return false;
  if (!job.has("embed")) return true;
  const auto& how = job.values("embed");
  return std::find(how.begin(), how.end(), "tune") != how.end();
}

std::optional<Tuning> tuning_of(const CaseValues& values, const watermark::Scheme& scheme, models::NetworkSpec clean) {
  if (!scheme.marks() || !(scheme.needs_answers() || values.text("embed") == "tune")) return {};
  Tuning tuning{std::move(clean), values.number("embed-rate"), values.integer("embed-epochs"), {}, {}};
  if (const std::string layers = values.text("embed-layers"); layers != "all") tuning.layers = layers;
  if (const std::string margin = values.text("embed-margin"); !margin.empty())
    tuning.until_margin = study::parse_number(margin);
  return tuning;
}

std::optional<std::size_t> plan_answers(Plan& plan, const StudyInputs& inputs, const PlannedTraining& network,
                                        const Json& scheme) {
  const watermark::Scheme& choosing = watermark::scheme_of(scheme);
  if (const auto bias = choosing.bias(scheme))
    return add_task(plan, "near-decisions", near_decisions(plan, inputs, network, *bias));
  if (choosing.needs_answers()) return add_task(plan, "classify", classify(plan, inputs, network, "train"));
  return {};
}

}  // namespace telltale::experiments
