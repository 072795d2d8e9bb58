#include <algorithm>
#include <span>

#include "experiments/aime/aime.h"
#include "experiments/classification.h"
#include "watermark/schemes/aime.h"

namespace telltale::experiments {
namespace {

using study::add_variable;
using study::done;
using study::missing;

// What each network answered, digit by digit, and what that says.
store::Group integrity_group(const StudyInputs& inputs, const Ownership& ownership, const Plan& plan,
                             const OutcomeLookup& outcome) {
  const Stage& stage = plan.stage("integrity");
  store::Group group = study::group_of(stage, outcome);
  const auto signature_of = [&](std::size_t point) {
    const Json key = ownership.settings(CaseValues(inputs.job, stage.grid.point(point)), false, &inputs.other_data);
    return watermark::AimeSignature(key, inputs.data->classes());
  };
  std::size_t longest = 1;
  for (std::size_t point = 0; point < stage.grid.size(); ++point)
    longest = std::max(longest, signature_of(point).labels().size());
  Grid({study::counted_axis("digit", static_cast<std::int64_t>(longest), 0, "place in the key")}).declare(group);

  std::vector<std::int32_t> labels, answers;
  std::vector<std::string> extracted, tasks;
  std::vector<double> recovered;
  for (std::size_t point = 0; point < stage.grid.size(); ++point) {
    const watermark::AimeSignature signature = signature_of(point);
    const auto pad = [&](std::vector<std::int32_t>& list, auto begin, auto end) {
      const auto count = static_cast<std::size_t>(end - begin);
      list.insert(list.end(), begin, end);
      list.insert(list.end(), longest - count, -1);
    };
    pad(labels, signature.labels().begin(), signature.labels().end());
    const Outcome* asked = done(outcome, stage.tasks[point]);
    if (asked == nullptr) {
      answers.insert(answers.end(), longest, -1);
      extracted.emplace_back();
      tasks.emplace_back();
      recovered.push_back(missing);
      continue;
    }
    const auto given = asked->values.at("answers").as<std::int32_t>();
    pad(answers, given.begin(), given.end());
    extracted.push_back(signature.text_of(std::vector<std::int64_t>(given.begin(), given.end())));
    tasks.push_back(asked->identity.hex());
    recovered.push_back(study::count_of(asked, "matches") == study::count_of(asked, "keys") ? 1 : 0);
  }
  add_variable(group, stage.grid, "signature_recovered", {}, recovered, "1 if the whole key came out, 0 if not", "1");
  group.variables.push_back(study::texts("extracted", stage.grid.dimensions(), extracted,
                                         "the signature that the answers say; `?`: no printable character"));
  add_variable(group, stage.grid, "label", {"digit"}, labels,
               "class that stands for the digit; -1: the key is shorter");
  add_variable(group, stage.grid, "answer", {"digit"}, answers, "class that the network answered; -1: none");
  group.variables.push_back(
      study::texts("extract_task", stage.grid.dimensions(), tasks, "identity of the task: its time is in group run"));
  return group;
}

store::Group weights_group(const Stage& stage, const OutcomeLookup& outcome) {
  store::Group group = study::group_over(stage.grid, stage.name, stage.help);
  Grid({study::named_axis("part", "weights, or biases", {"weights", "biases"})}).declare(group);
  group.dimensions.push_back({"bin", CompareWeights::bins});
  group.dimensions.push_back({"edge", CompareWeights::bins + 1});
  const auto add = [&](const char* name, const std::string& help) {
    add_variable(group, stage.grid, name, {"part"},
                 study::gathered(stage, outcome, name, {CompareWeights::parts}, missing), help, "1");
  };
  add("largest_change", "largest absolute change of one value");
  add("ks_statistic",
      "Kolmogorov-Smirnov statistic of the values now and before: the largest distance of their distributions");
  add("mean_shift", "mean now less mean before");
  add("deviation_ratio", "standard deviation now over that before");
  add_variable(group, stage.grid, "edges", {"part", "edge"},
               study::gathered(stage, outcome, "edges", {CompareWeights::parts, CompareWeights::bins + 1}, missing),
               "edges of the histograms' bins");
  const auto add_counts = [&](const char* name, const char* value, const std::string& help) {
    add_variable(
        group, stage.grid, name, {"part", "bin"},
        study::gathered<std::int64_t>(stage, outcome, value, {CompareWeights::parts, CompareWeights::bins}, -1), help);
  };
  add_counts("values", "counts", "values in each bin now");
  add_counts("values_before", "start_counts", "values in each bin before");

  // The first convolution of the networks that have one, the largest of them.
  std::vector<std::int64_t> kernels(4, 1);
  for (const auto& task : stage.tasks)
    if (const Outcome* weighed = done(outcome, task); weighed != nullptr && weighed->values.contains("kernels"))
      for (std::size_t d = 0; d < kernels.size(); ++d)
        kernels[d] = std::max(kernels[d], weighed->values.at("kernels").shape[d]);
  const std::vector<std::string> names{"filter", "channel", "row", "column"};
  for (std::size_t d = 0; d < names.size(); ++d) group.dimensions.push_back({names[d], kernels[d]});
  add_variable(group, stage.grid, "kernels", names,
               study::gathered(stage, outcome, "kernels", kernels, std::numeric_limits<float>::quiet_NaN()),
               "weights of the first convolution; missing: the network has none", "1");
  add_variable(group, stage.grid, "largest_kernel_change", {},
               study::gathered(stage, outcome, "largest_kernel_change", {}, missing),
               "largest absolute change of one of them", "1");
  return group;
}

}  // namespace

std::vector<store::Group> Aime::tabulate(const StudyInputs& inputs, const Plan& plan,
                                         const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups{ownership_.train_group(inputs.job, plan, outcome)};
  for (store::Group& further : ownership_.further_groups(inputs, plan, outcome)) groups.push_back(std::move(further));
  groups.push_back(confusion_group(plan.stage("confusion"), *inputs.data, outcome));
  if (plan.find_stage("integrity") != nullptr) groups.push_back(integrity_group(inputs, ownership_, plan, outcome));
  groups.push_back(weights_group(plan.stage("weights"), outcome));
  return groups;
}

}  // namespace telltale::experiments
