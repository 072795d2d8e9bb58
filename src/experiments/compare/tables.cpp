#include <algorithm>
#include <limits>

#include "experiments/compare/compare.h"
#include "experiments/predictions.h"
#include "forensics/comparison.h"

namespace telltale::experiments {
namespace {

using study::Axis;
using study::missing;

constexpr std::int32_t no_deviation = -1, unknown = -2;

// Every layer of these networks once, each behind the one that it follows in the first network that has it.
std::vector<std::string> merged_layers(const std::vector<std::vector<std::string>>& networks) {
  std::vector<std::string> merged;
  for (const auto& layers : networks) {
    auto next = merged.begin();
    for (const std::string& layer : layers) {
      const auto known = std::find(merged.begin(), merged.end(), layer);
      next = known == merged.end() ? merged.insert(next, layer) + 1 : known + 1;
    }
  }
  return merged;
}

// What the machines answered in one precision, and how their answers compare.
class PrecisionGroup {
 public:
  PrecisionGroup(const StudyInputs& inputs, const Plan& plan, std::size_t precision, const OutcomeLookup& outcome)
      : cases_(plan.stage("train").grid),
        batches_(inputs.job.axis_of("predict-batch")),
        threads_axis_(inputs.job.axis_of("threads")),
        precision_(models::precision_named(inputs.job.values("precision")[precision])),
        names_(inputs.environments.names()),
        environments_(names_.size()),
        threads_(threads_axis_.values.size()),
        settings_(cases_.size() * batches_.values.size()),
        images_(inputs.job.integer("predict-images")),
        classes_(inputs.data->classes()) {
    const Stage& compared = plan.stage("compare");
    const std::size_t first = precision * settings_ * machines();
    for (std::size_t i = 0; i < settings_ * machines(); ++i)
      outcomes_.push_back(study::done(outcome, compared.tasks[first + i]));
    for (std::size_t c = 0; c < cases_.size(); ++c) {
      const CaseValues values(inputs.job, cases_.point(c));
      const models::NetworkSpec network = network_of(values, inputs.data->shape(), inputs.data->classes());
      const forensics::Subject asked =
          prediction_subject(network, study::parse_integer(batches_.values.front()),
                             study::parse_integer(threads_axis_.values.front()), models::name_of(precision_));
      std::vector<std::string> layers = inputs.environments.layers.at(asked.key());
      layers.emplace_back(softmax_layer);
      layers_of_case_.push_back(std::move(layers));
    }
    layers_ = merged_layers(layers_of_case_);
  }

  store::Group make() {
    group_.name = models::name_of(precision_);
    group_.attributes = {
        {"description",
         "the same images asked of every model on every machine (environment and threads), computed in " + group_.name +
             ", and how the answers compare"},
        {"significant_bits", std::int64_t{forensics::significant_bits(precision_)}}};
    declare();
    if (precision_ == models::Precision::float64)
      add_answers<double>();
    else
      add_answers<float>();
    add_classes();
    add_distances();
    if (machines() > 1) add_dendrograms();
    return std::move(group_);
  }

 private:
  [[nodiscard]] std::size_t machines() const { return environments_ * threads_; }
  // Of one case and batch size (a setting), by machine: environment, then threads.
  [[nodiscard]] const Outcome* at(std::size_t setting, std::size_t machine) const {
    return outcomes_[setting * machines() + machine];
  }
  [[nodiscard]] const std::vector<std::string>& layers_of(std::size_t setting) const {
    return layers_of_case_[setting / batches_.values.size()];
  }
  [[nodiscard]] std::int32_t layer_position(const std::string& layer) const {
    return static_cast<std::int32_t>(std::find(layers_.begin(), layers_.end(), layer) - layers_.begin());
  }

  void declare() {
    const Axis environment = study::named_axis("environment", "environment that computed the answers", names_);
    settings_grid_.declare(group_);
    Grid({environment, threads_axis_, study::second(environment, "environment of the machine compared with"),
          study::second(threads_axis_, "threads of the machine compared with"), study::counted_axis("image", images_),
          study::counted_axis("class", classes_),
          study::named_axis("layer", "layers in the order of computation, and the softmax of the last", layers_)})
        .declare(group_);
  }

  // Adds a variable over case, batch size and `more`.
  template <typename T>
  void add(const std::string& name, const std::vector<std::string>& more, const std::vector<T>& values,
           const std::string& help, const std::string& units = "") {
    add_variable(group_, settings_grid_, name, more, values, help, units);
  }

  template <typename Float>
  void add_answers() {
    const auto cells = static_cast<std::size_t>(images_ * classes_);
    std::vector<Float> logits, probabilities;
    std::vector<std::int32_t> labels;
    for (auto* all : {&logits, &probabilities}) all->reserve(outcomes_.size() * cells);
    const auto append = [](auto& all, const Outcome* one, const char* name, std::size_t count, auto absent) {
      if (one == nullptr) {
        all.insert(all.end(), count, absent);
        return;
      }
      const auto values = one->values.at(name).as<decltype(absent)>();
      all.insert(all.end(), values.begin(), values.end());
    };
    constexpr Float none = std::numeric_limits<Float>::quiet_NaN();
    for (const Outcome* one : outcomes_) {
      append(logits, one, "logits", cells, none);
      append(probabilities, one, "probabilities", cells, none);
      append(labels, one, "labels", static_cast<std::size_t>(images_), std::int32_t{-1});
    }
    add("logits", {"environment", "threads", "image", "class"}, logits, "logits, bit for bit");
    add("probabilities", {"environment", "threads", "image", "class"}, probabilities,
        "their softmax as the machine computed it, bit for bit");
    add("label", {"environment", "threads", "image"}, labels, "the largest logit; -1 while missing");
  }

  void add_classes() {
    std::vector<std::int32_t> classes, layer_classes;
    for (std::size_t setting = 0; setting < settings_; ++setting) {
      std::vector<const Array*> logits;
      for (std::size_t m = 0; m < machines(); ++m)
        logits.push_back(at(setting, m) == nullptr ? nullptr : &at(setting, m)->values.at("logits"));
      const auto numbers = forensics::equivalence_classes(logits);
      classes.insert(classes.end(), numbers.begin(), numbers.end());
      const auto by_layer = classes_by_layer(setting);
      layer_classes.insert(layer_classes.end(), by_layer.begin(), by_layer.end());
    }
    add("equivalence_class", {"environment", "threads"}, classes, forensics::equivalence_class_help);
    add("layer_class", {"environment", "threads", "layer"}, layer_classes,
        "the same by what each layer gives; -1 where the network has no such layer");
  }

  // By machine, then layer of the group.
  [[nodiscard]] std::vector<std::int32_t> classes_by_layer(std::size_t setting) const {
    std::vector<std::int32_t> all(machines() * layers_.size(), -1);
    const auto& layers = layers_of(setting);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      std::vector<Array> rows(machines());
      std::vector<const Array*> present(machines(), nullptr);
      for (std::size_t m = 0; m < machines(); ++m) {
        const Outcome* one = at(setting, m);
        if (one == nullptr) continue;
        const auto hashes = one->values.at("layer_hashes").as<std::int64_t>();
        const auto images = static_cast<std::size_t>(images_);
        rows[m] = Array::of<std::int64_t>({images_}, hashes.subspan(l * images, images));
        present[m] = &rows[m];
      }
      const auto numbers = forensics::equivalence_classes(present);
      const auto position = static_cast<std::size_t>(layer_position(layers[l]));
      for (std::size_t m = 0; m < machines(); ++m) all[m * layers_.size() + position] = numbers[m];
    }
    return all;
  }

  void add_distances() {
    std::vector<std::int64_t> differing, ulp, labels;
    std::vector<std::int32_t> first_layer;
    for (std::size_t setting = 0; setting < settings_; ++setting)
      for (std::size_t m = 0; m < machines(); ++m)
        for (std::size_t n = 0; n < machines(); ++n) {
          const Outcome *one = at(setting, m), *other = at(setting, n);
          if (one == nullptr || other == nullptr) {
            differing.push_back(-1);
            ulp.push_back(-1);
            labels.push_back(-1);
            remaining_.push_back(missing);
            first_layer.push_back(unknown);
            continue;
          }
          const auto answers = [](const Outcome* outcome) {
            return forensics::Answers{outcome->values.at("logits"), outcome->values.at("labels").as<std::int32_t>()};
          };
          const forensics::Distance distance = forensics::distance_between(answers(one), answers(other), precision_);
          differing.push_back(distance.differing_images);
          ulp.push_back(distance.max_ulp);
          labels.push_back(distance.label_disagreements);
          remaining_.push_back(distance.remaining_bits);
          const std::int32_t layer =
              forensics::first_deviation(one->values.at("layer_hashes"), other->values.at("layer_hashes"));
          first_layer.push_back(layer < 0 ? no_deviation
                                          : layer_position(layers_of(setting)[static_cast<std::size_t>(layer)]));
        }
    const std::vector<std::string> pair = {"environment", "threads", "environment_2", "threads_2"};
    add("differing_images", pair, differing, "images of which any logit differs in any bit; -1 while missing");
    add("max_ulp", pair, ulp,
        "the largest distance of two logits, in steps from one value of this precision to the next; -1 while missing");
    add("remaining_bits", pair, remaining_,
        "leading bits in which all logits agree: -log2 of the largest relative deviation; the whole significand where "
        "they are equal",
        "bit");
    add("label_disagreements", pair, labels, "images that are given different labels; -1 while missing");
    add("first_layer", pair, first_layer,
        "position (along layer) of the first layer that deviates in any bit of any image; -1: none, -2: missing");
  }

  // Average linkage of the machines whose answers are there, by the bits that they do not share.
  void add_dendrograms() {
    const std::size_t count = machines();
    std::vector<std::int32_t> first, second_one, size, leaves;
    std::vector<double> height;
    for (std::size_t setting = 0; setting < settings_; ++setting) {
      std::vector<std::size_t> present;
      for (std::size_t m = 0; m < count; ++m)
        if (at(setting, m) != nullptr) present.push_back(m);
      std::vector<double> distances;
      for (const std::size_t m : present)
        for (const std::size_t n : present)
          distances.push_back(forensics::significant_bits(precision_) - remaining_[(setting * count + m) * count + n]);
      const forensics::Dendrogram tree = forensics::average_linkage(distances, present.size());
      // A cluster's number in the file counts all machines, also while some are missing.
      const auto number = [&](std::int32_t cluster) {
        const auto c = static_cast<std::size_t>(cluster);
        return static_cast<std::int32_t>(c < present.size() ? present[c] : c - present.size() + count);
      };
      for (std::size_t i = 0; i + 1 < count; ++i) {
        const bool known = i < tree.merges.size();
        first.push_back(known ? number(tree.merges[i].first) : -1);
        second_one.push_back(known ? number(tree.merges[i].second) : -1);
        size.push_back(known ? tree.merges[i].size : -1);
        height.push_back(known ? tree.merges[i].height : missing);
      }
      for (std::size_t i = 0; i < count; ++i) leaves.push_back(i < present.size() ? number(tree.leaves[i]) : -1);
    }

    std::vector<std::string> machine_names;
    for (const std::string& name : names_)
      for (const std::string& threads : threads_axis_.values)
        machine_names.push_back(name + ", " + threads + (threads == "1" ? " thread" : " threads"));
    const auto merges = static_cast<std::int64_t>(count) - 1;
    Grid({study::named_axis("machine", "environment and threads, in the order of these dimensions", machine_names),
          study::counted_axis("merge", merges), study::counted_axis("leaf", merges + 1)})
        .declare(group_);
    add("merge_first", {"merge"}, first,
        "average linkage of the machines by the bits of the significand that are lost between them: merge i makes "
        "cluster (machines + i) of this cluster and merge_second; clusters 0 to machines - 1 are the machines; -1: "
        "none");
    add("merge_second", {"merge"}, second_one, "the other cluster of a merge");
    add("merge_height", {"merge"}, height, "mean distance of the two clusters", "bit");
    add("merge_size", {"merge"}, size, "machines in the merged cluster");
    add("leaf_order", {"leaf"}, leaves, "machines from left to right, so that no branches cross; -1: missing");
  }

  Grid cases_;
  Axis batches_, threads_axis_;
  Grid settings_grid_ = cases_ * Grid({batches_});
  models::Precision precision_;
  std::vector<std::string> names_;
  std::size_t environments_, threads_, settings_;
  std::int64_t images_, classes_;
  std::vector<const Outcome*> outcomes_;  // by case, batch size, environment, threads
  std::vector<std::vector<std::string>> layers_of_case_;
  std::vector<std::string> layers_;
  std::vector<double> remaining_;
  store::Group group_;
};

}  // namespace

std::vector<store::Group> Compare::tabulate(const StudyInputs& inputs, const Plan& plan,
                                            const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups{
      clean_train_group("every model that the machines are asked about", plan.stage("train"), inputs.job, outcome)};
  for (std::size_t precision = 0; precision < inputs.job.values("precision").size(); ++precision)
    groups.push_back(PrecisionGroup(inputs, plan, precision, outcome).make());
  return groups;
}

}  // namespace telltale::experiments
