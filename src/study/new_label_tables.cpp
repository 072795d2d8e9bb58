#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "study/axis.h"
#include "study/new_label.h"
#include "study/training.h"
#include "watermark/verification.h"

namespace telltale::study {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

// The paper's examples (Sec. 4.2): 90% certainty; the rival's threshold tau.
constexpr double certainty = 0.9;
constexpr double rival_tau = 0.3;

double scalar(const Outcome* outcome, const std::string& name) {
  if (outcome == nullptr || outcome->status != TaskStatus::done) return nothing;
  const auto found = outcome->values.find(name);
  return found == outcome->values.end() ? nothing : found->second.as<double>().front();
}

store::Variable variable(const std::string& name, std::vector<std::string> dimensions, Array data,
                         const std::string& help, const std::string& units = "1") {
  store::Variable variable;
  variable.name = name;
  variable.dimensions = std::move(dimensions);
  if (data.dtype == DType::float64) variable.fill = Array::scalar(nothing);
  variable.data = std::move(data);
  variable.attributes = {{"long_name", help}};
  if (!units.empty()) variable.attributes.push_back({"units", units});
  return variable;
}

store::Variable numbers(const std::string& name, std::vector<std::string> dimensions, std::vector<std::int64_t> shape,
                        const std::vector<double>& values, const std::string& help) {
  return variable(name, std::move(dimensions), Array::of<double>(std::move(shape), values), help);
}

struct Measured {
  const char* variable;
  const char* value;
  const char* help;
};

constexpr Measured measured[] = {
    {"accuracy", "accuracy", "share of the test images classified correctly (a new label's output counts as wrong)"},
    {"key_accuracy", "key_accuracy_new",
     "share of untrained key samples (test images with the secret's noise) answered with the watermark's label"},
    {"key_accuracy_trained", "key_accuracy_trained", "the same for the key samples that were trained on"},
    {"key_accuracy_wrong_secret", "key_accuracy_wrong", "the same for key samples made with another secret"},
    {"accuracy_label_removed", "accuracy_label_removed",
     "share of the test images classified correctly after a thief deletes the new label's output"},
};

store::Group train_group(const new_label::Layout& layout, const Job& job, const OutcomeLookup& outcome) {
  store::Group group;
  group.name = "train";
  group.attributes = {{"description", "every case: the trained model as it is (Zhong et al. 2020, Fig. 3)"}};
  layout.cases.declare(group);
  const auto dimensions = layout.cases.dimensions();
  const auto shape = layout.cases.shape();
  const std::size_t count = layout.cases.size();

  std::map<std::string, std::vector<double>> values;
  for (const Measured& m : measured)
    for (std::size_t i = 0; i < count; ++i)
      values[m.variable].push_back(scalar(outcome(layout.unattacked[i]), m.value));
  for (const Measured& m : measured)
    group.variables.push_back(numbers(m.variable, dimensions, shape, values[m.variable], m.help));

  // Efficiency (Sec. 3.2 and 4.2), from the measured share of key samples recognised.
  std::vector<double> expected(count, nothing), queries(count, nothing);
  for (std::size_t i = 0; i < count; ++i) {
    const double p = values["key_accuracy"][i];
    const Outcome* asked = outcome(layout.unattacked[i]);
    const std::string method = layout.cases.point(i).text("scheme");
    if (asked == nullptr || !(p > 0) || method == "clean") continue;
    if (method == "new-label")
      expected[i] = watermark::new_label_mean_queries(p, static_cast<std::int64_t>(scalar(asked, "keys_new")));
    const auto needed = method == "new-label" ? watermark::new_label_queries(p, certainty)
                                              : watermark::backdoor_queries(p, rival_tau, certainty);
    if (needed.settled) queries[i] = static_cast<double>(*needed.settled);
  }
  group.variables.push_back(numbers("expected_queries", dimensions, shape, expected,
                                    "E[q]: queries until the first key sample is recognised (new label only)"));
  group.variables.push_back(
      numbers("queries_for_90", dimensions, shape, queries,
              "queries from which on the verification is right with 90% certainty (rival: threshold 0.3)"));

  add_training_variables(
      group, layout.cases, layout.training, job, outcome,
      {{"train_loss", "mean cross-entropy of each epoch's batches, in nats"},
       {"train_accuracy", "share of each epoch's training samples (key samples included) classified correctly"},
       {"epoch_accuracy", "share of the test images classified correctly after each epoch"},
       {"epoch_key_accuracy", "share of untrained key samples recognised after each epoch (at most 1,000 of them)"}});
  return group;
}

store::Group prune_group(const new_label::Layout& layout, const OutcomeLookup& outcome) {
  store::Group group;
  group.name = "prune";
  group.attributes = {
      {"description", "every model after the smallest weights were set to zero (Zhong et al. 2020, Fig. 4)"}};
  layout.cases.declare(group);
  layout.attacks.declare(group);
  auto dimensions = layout.cases.dimensions();
  auto shape = layout.cases.shape();
  for (const std::string& name : layout.attacks.dimensions()) dimensions.push_back(name);
  for (const std::int64_t extent : layout.attacks.shape()) shape.push_back(extent);
  for (const Measured& m : measured) {
    std::vector<double> values;
    for (const std::size_t task : layout.attacked) values.push_back(scalar(outcome(task), m.value));
    group.variables.push_back(numbers(m.variable, dimensions, shape, values, m.help));
  }
  return group;
}

// Number of images of which any logit differs in any bit.
std::int64_t differing_images(std::span<const float> a, std::span<const float> b, std::int64_t images) {
  const std::size_t row = a.size() / static_cast<std::size_t>(images);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.size(); i += row) count += std::memcmp(&a[i], &b[i], row * sizeof(float)) != 0;
  return count;
}

store::Group predict_group(const new_label::Layout& layout, const StudyInputs& inputs, const OutcomeLookup& outcome) {
  const auto& list = inputs.environments.list;
  const auto environments = static_cast<std::int64_t>(list.size());
  const std::int64_t images = inputs.job.integer("predict-images");
  const std::int64_t batches = layout.batches.shape().front();

  store::Group group;
  group.name = "predict";
  group.attributes = {
      {"description",
       "the first watermarked model's answers to the first test images on every environment, bit for bit"}};
  Axis names{"environment", "environment", "environment that computed the answers", ValueType::text, {}};
  for (const Environment& environment : list) names.values.push_back(environment.name);
  Axis second = names;
  second.key = second.dimension = "environment_2";
  second.help = "environment compared with";
  Grid({names, second}).declare(group);
  layout.batches.declare(group);
  Grid({counted_axis("image", images)}).declare(group);

  std::vector<const Outcome*> outcomes;
  std::int64_t classes = 0;
  for (const std::size_t task : layout.predicted) {
    const Outcome* one = outcome(task);
    if (one != nullptr && one->status != TaskStatus::done) one = nullptr;
    outcomes.push_back(one);
    if (one != nullptr) classes = one->values.at("logits").shape.at(1);
  }
  if (classes == 0) return group;
  Grid({counted_axis("class", classes)}).declare(group);

  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  const auto answers = static_cast<std::size_t>(images * classes);
  for (const Outcome* one : outcomes) {
    if (one == nullptr) {
      logits.insert(logits.end(), answers, std::numeric_limits<float>::quiet_NaN());
      labels.insert(labels.end(), static_cast<std::size_t>(images), -1);
      continue;
    }
    const auto values = one->values.at("logits").as<float>();
    const auto chosen = one->values.at("labels").as<std::int32_t>();
    logits.insert(logits.end(), values.begin(), values.end());
    labels.insert(labels.end(), chosen.begin(), chosen.end());
  }
  const auto at = [&](std::int64_t e, std::int64_t b) { return outcomes[static_cast<std::size_t>(e * batches + b)]; };
  std::vector<std::int64_t> differing, classes_of;
  for (std::int64_t e = 0; e < environments; ++e)
    for (std::int64_t f = 0; f < environments; ++f)
      for (std::int64_t b = 0; b < batches; ++b) {
        const Outcome *one = at(e, b), *other = at(f, b);
        differing.push_back(one == nullptr || other == nullptr
                                ? -1
                                : differing_images(one->values.at("logits").as<float>(),
                                                   other->values.at("logits").as<float>(), images));
      }
  // The class of an environment is the first one whose answers are the same bits.
  for (std::int64_t e = 0; e < environments; ++e)
    for (std::int64_t b = 0; b < batches; ++b) {
      std::int64_t first = -1;
      for (std::int64_t f = 0; f <= e && first < 0; ++f)
        if (differing[static_cast<std::size_t>((e * environments + f) * batches + b)] == 0) first = f;
      classes_of.push_back(first);
    }
  group.variables.push_back(variable("logits", {"environment", "predict_batch", "image", "class"},
                                     Array::of<float>({environments, batches, images, classes}, logits),
                                     "logits, bit for bit"));
  group.variables.push_back(variable("label", {"environment", "predict_batch", "image"},
                                     Array::of<std::int32_t>({environments, batches, images}, labels),
                                     "the largest logit; -1 while missing"));
  group.variables.push_back(variable("differing_images", {"environment", "environment_2", "predict_batch"},
                                     Array::of<std::int64_t>({environments, environments, batches}, differing),
                                     "images of which any logit differs in any bit; -1 while missing"));
  group.variables.push_back(
      variable("equivalence_class", {"environment", "predict_batch"},
               Array::of<std::int64_t>({environments, batches}, classes_of),
               "position of the first environment with the same bits: equal numbers fall together; -1 while missing"));
  return group;
}

}  // namespace

std::vector<store::Group> NewLabel::tabulate(const StudyInputs& inputs, const Plan&,
                                             const OutcomeLookup& outcome) const {
  Plan again;
  const new_label::Layout layout = new_label::lay_out(inputs, again);
  std::vector<store::Group> groups;
  groups.push_back(train_group(layout, inputs.job, outcome));
  if (!layout.attacked.empty()) groups.push_back(prune_group(layout, outcome));
  if (!layout.predicted.empty()) groups.push_back(predict_group(layout, inputs, outcome));
  return groups;
}

}  // namespace telltale::study
