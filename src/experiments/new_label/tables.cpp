#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "experiments/new_label/new_label.h"
#include "experiments/new_label/twist.h"
#include "forensics/comparison.h"
#include "watermark/verification.h"

namespace telltale::experiments {
namespace {

using study::missing;

// The paper's examples (Sec. 4.2): 90% certainty; the rival's threshold tau.
constexpr double certainty = 0.9;

// Efficiency (Sec. 3.2 and 4.2), from the measured share of key samples recognised.
void add_queries(store::Group& group, const Stage& evaluated, const OutcomeLookup& outcome) {
  const std::size_t count = evaluated.grid.size();
  std::vector<double> expected(count, missing), queries(count, missing);
  for (std::size_t i = 0; i < count; ++i) {
    const Outcome* asked = study::done(outcome, evaluated.tasks[i]);
    const double p = study::number_of(asked, "key_accuracy_new");
    const std::string scheme = evaluated.grid.point(i).text("scheme");
    if (!(p > 0) || scheme == "clean") continue;
    if (scheme == "new-label") expected[i] = watermark::new_label_mean_queries(p, study::count_of(asked, "keys_new"));
    const auto needed = scheme == "new-label" ? watermark::new_label_queries(p, certainty)
                                              : watermark::backdoor_queries(p, watermark::backdoor_tau, certainty);
    if (needed.settled)
      queries[i] = static_cast<double>(*needed.settled);
    else if (needed.impossible)
      queries[i] = std::numeric_limits<double>::infinity();
  }
  add_variable(group, evaluated.grid, "expected_queries", {}, expected,
               "E[q]: queries until the first key sample is recognised (new label only)", "1");
  add_variable(
      group, evaluated.grid, "queries_for_90", {}, queries,
      "queries from which on the verification is right with 90% certainty (rival: threshold 0.3); infinite where "
      "no number of them is enough",
      "1");
}

// Number of images of which any logit differs in any bit.
std::int64_t differing_images(std::span<const float> a, std::span<const float> b, std::int64_t images) {
  const std::size_t row = a.size() / static_cast<std::size_t>(images);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.size(); i += row) count += std::memcmp(&a[i], &b[i], row * sizeof(float)) != 0;
  return count;
}

store::Group predict_group(const StudyInputs& inputs, const Stage& predicted, const OutcomeLookup& outcome) {
  const auto environments = static_cast<std::int64_t>(inputs.environments.list.size());
  const std::int64_t images = inputs.job.integer("predict-images");
  store::Group group = study::group_over(predicted.grid, predicted.name, predicted.help);
  Grid(
      {study::second(predicted.grid.axes().front(), "environment compared with"), study::counted_axis("image", images)})
      .declare(group);

  std::vector<const Outcome*> outcomes;
  for (const auto& task : predicted.tasks) outcomes.push_back(study::done(outcome, task));
  const std::int64_t classes = watermark::scheme_named(*first_marked(inputs.job)).outputs(inputs.data->classes());
  Grid({study::counted_axis("class", classes)}).declare(group);

  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  const auto answers = static_cast<std::size_t>(images * classes);
  for (const Outcome* one : outcomes) {
    if (one == nullptr) {
      logits.insert(logits.end(), answers, static_cast<float>(missing));
      labels.insert(labels.end(), static_cast<std::size_t>(images), -1);
      continue;
    }
    const auto values = one->values.at("logits").as<float>();
    const auto chosen = one->values.at("labels").as<std::int32_t>();
    logits.insert(logits.end(), values.begin(), values.end());
    labels.insert(labels.end(), chosen.begin(), chosen.end());
  }
  const std::int64_t batches = predicted.grid.shape().back();
  const auto at = [&](std::int64_t e, std::int64_t b) { return outcomes[static_cast<std::size_t>(e * batches + b)]; };
  std::vector<std::int64_t> differing;
  for (std::int64_t e = 0; e < environments; ++e)
    for (std::int64_t f = 0; f < environments; ++f)
      for (std::int64_t b = 0; b < batches; ++b) {
        const Outcome *one = at(e, b), *other = at(f, b);
        differing.push_back(one == nullptr || other == nullptr
                                ? -1
                                : differing_images(one->values.at("logits").as<float>(),
                                                   other->values.at("logits").as<float>(), images));
      }
  std::vector<std::int32_t> classes_of(outcomes.size());
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    std::vector<const Array*> answered;
    for (std::int64_t e = 0; e < environments; ++e)
      answered.push_back(at(e, batch) == nullptr ? nullptr : &at(e, batch)->values.at("logits"));
    const auto of_batch = forensics::equivalence_classes(answered);
    for (std::int64_t e = 0; e < environments; ++e)
      classes_of[static_cast<std::size_t>(e * batches + batch)] = of_batch[static_cast<std::size_t>(e)];
  }
  add_variable(group, predicted.grid, "logits", {"image", "class"}, logits, "logits, bit for bit");
  add_variable(group, predicted.grid, "label", {"image"}, labels, "the largest logit; -1 while missing");
  add_variable(group, Grid(), "differing_images", {"environment", "environment_2", "predict_batch"}, differing,
               "images of which any logit differs in any bit; -1 while missing");
  add_variable(group, predicted.grid, "equivalence_class", {}, classes_of, forensics::equivalence_class_help);
  return group;
}

}  // namespace

std::vector<store::Group> NewLabel::tabulate(const StudyInputs& inputs, const Plan& plan,
                                             const OutcomeLookup& outcome) const {
  store::Group train = ownership_.train_group(inputs.job, plan, outcome);
  add_queries(train, plan.stage("evaluate"), outcome);
  std::vector<store::Group> groups{std::move(train)};
  for (store::Group& attacked : ownership_.further_groups(inputs, plan, outcome)) groups.push_back(std::move(attacked));
  if (const Stage* twisted = plan.find_stage("twist")) groups.push_back(twist_group(*twisted, outcome));
  if (const Stage* predicted = plan.find_stage("predict")) groups.push_back(predict_group(inputs, *predicted, outcome));
  return groups;
}

}  // namespace telltale::experiments
