#include "experiments/matrix/matrix.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "experiments/matrix/claims_made.h"
#include "experiments/matrix/claims_tables.h"
#include "experiments/ownership/false_claims.h"
#include "experiments/ownership/machines.h"
#include "study/cells.h"
#include "study/table.h"
#include "watermark/attack.h"
#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

using study::Cells;
using study::Table;

std::vector<std::string> all_schemes() {
  std::vector<std::string> names;
  for (const watermark::Scheme* scheme : watermark::schemes()) names.push_back(scheme->name());
  return names;
}

// All but those that are after a network behind a transform; who asks a device can ask any service. Controls last.
std::vector<std::string> attacks_met() {
  std::vector<std::string> names;
  for (const bool controls : {false, true})
    for (const watermark::Attack* attack : watermark::attacks())
      if (attack->name() != "none" && attack->is_control() == controls &&
          (!attack->opens_raw_images() || attack->asks_device()))
        names.push_back(attack->name());
  return names;
}

// The share of key samples that tells a scheme's networks from others: new ones where the scheme has them.
double keys_kept(const Cells* fresh, const Cells& trained, std::size_t cell) {
  const double value = fresh == nullptr ? std::nan("") : fresh->value(cell);
  return std::isnan(value) ? trained.value(cell) : value;
}

// What is left of a scheme's watermark, by the labels of what was done to its networks; one value a repeat and case.
struct Left {
  std::vector<double> accuracy, keys, seconds;
  std::map<std::string, int> verdicts;

  // "2 proven, 1 unresolved"; "-" where nothing was claimed.
  [[nodiscard]] std::string claims() const {
    std::string text;
    for (const auto& [verdict, count] : verdicts)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + verdict;
    return text.empty() ? "-" : text;
  }

  // Of the claims that were made; 0 where none was.
  [[nodiscard]] double share_proven() const {
    const std::string proven(watermark::name_of(watermark::Verdict::proven));
    int made = 0;
    for (const auto& [verdict, count] : verdicts) made += count;
    const auto found = verdicts.find(proven);
    return found == verdicts.end() ? 0 : static_cast<double>(found->second) / made;
  }
};

// `seconds`: of every task.
std::map<std::string, std::map<std::string, Left>> left_of(const store::Group& group, const store::Group& train,
                                                           const std::map<std::string, double>& seconds) {
  const Cells accuracy(group, "accuracy_second_half"), trained(group, "key_accuracy_trained");
  std::optional<Cells> fresh;
  if (group.find_variable("key_accuracy") != nullptr) fresh.emplace(group, "key_accuracy");
  // The attack's own dimensions: where something varies, what does; else all of them.
  std::vector<std::string> told = study::without(accuracy.dimensions(), Cells(train, "accuracy").dimensions()), varies;
  for (const store::Dimension& dimension : group.dimensions)
    if (dimension.size > 1 && std::find(told.begin(), told.end(), dimension.name) != told.end())
      varies.push_back(dimension.name);
  if (!varies.empty()) told = varies;
  const store::Variable *verdicts = group.find_variable("verdict"), *tasks = group.find_variable("attack_task");
  std::map<std::string, std::map<std::string, Left>> all;
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell) {
    if (std::isnan(accuracy.value(cell))) continue;
    const double keys = keys_kept(fresh ? &*fresh : nullptr, trained, cell);
    if (std::isnan(keys)) continue;
    std::map<std::string, std::string> labels = accuracy.labels(cell);
    const std::string scheme = labels.at("scheme");
    std::string done;
    for (const std::string& dimension : told)
      done += (done.empty() ? "" : ", ") + dimension + " " + labels.at(dimension);
    Left& left = all[scheme][done];
    left.accuracy.push_back(accuracy.value(cell));
    left.keys.push_back(keys);
    if (tasks != nullptr)
      if (const auto took = seconds.find(tasks->strings()[cell]); took != seconds.end())
        left.seconds.push_back(took->second);
    if (verdicts != nullptr && !verdicts->strings()[cell].empty()) ++left.verdicts[verdicts->strings()[cell]];
  }
  return all;
}

// Of settings those that leave the fewest claims proven and then the fewest key samples, of those that leave so much
// accuracy; where none does, those that leave the most.
std::map<std::string, Left>::const_iterator worst_for_owner(const std::map<std::string, Left>& by_settings,
                                                            double least_accuracy) {
  const auto rank = [&](const Left& left) {
    const double accuracy = study::mean(left.accuracy);
    const bool is_useful = accuracy >= least_accuracy;
    return is_useful ? std::tuple(0, left.share_proven(), study::mean(left.keys)) : std::tuple(1, -accuracy, 0.0);
  };
  return std::min_element(by_settings.begin(), by_settings.end(),
                          [&](const auto& a, const auto& b) { return rank(a.second) < rank(b.second); });
}

Table matrix_table(const store::Group& root, const store::Group& train) {
  Table table{
      "What every attack leaves of every watermark",
      {"attack", "scheme", "test % unattacked", "keys % unattacked", "test %", "keys %", "claims", "seconds", "by"},
      {},
      {"Of every attack the settings that leave the fewest claims proven, then the fewest key samples, among those "
       "that leave at least 90% of the accuracy; where none does, those that leave the most accuracy. Accuracies are "
       "those of the second half of the test images, which no attack sees; keys are new key samples, or those trained "
       "on of schemes that have no others; means over repeats and cases. Seconds: of the task where it ran, with all "
       "that is then asked of the network; -: the file does not say."}};
  const std::map<std::string, double> seconds = study::task_seconds(root);
  const auto before = left_of(train, train, seconds);
  for (const std::string& attack : attacks_met()) {
    const store::Group* group = root.child(attack);
    if (group == nullptr) continue;
    if (watermark::attack_named(attack).is_control())
      table.notes.push_back(attack +
                            " is no attack, but a network that owes the attacked one nothing: what leaves no more "
                            "accuracy took nothing of worth.");
    for (const auto& [scheme, by_settings] : left_of(*group, train, seconds)) {
      const auto untouched = before.find(scheme);
      if (!watermark::scheme_named(scheme).marks() || untouched == before.end()) continue;
      const Left& unattacked = untouched->second.begin()->second;
      const double base = study::mean(unattacked.accuracy);
      const auto worst = worst_for_owner(by_settings, useful_share * base);
      table.rows.push_back({attack, scheme, study::percent(base), study::percent(study::mean(unattacked.keys)),
                            study::percent(study::mean(worst->second.accuracy)),
                            study::percent(study::mean(worst->second.keys)), worst->second.claims(),
                            study::decimals(study::mean(worst->second.seconds), 1), worst->first});
    }
  }
  return table;
}

}  // namespace

OwnershipMatrix::OwnershipMatrix() : OwnershipExperiment({all_schemes(), attacks_met(), ""}) {}

std::vector<ParameterGroup> OwnershipMatrix::keys() const {
  return {training_keys(), ownership_.scheme_keys(), ownership_.attack_keys(),
          claim_keys(),    false_claim_keys(),       machine_keys()};
}

Plan OwnershipMatrix::plan(const StudyInputs& inputs) const {
  ownership_.check(inputs);
  Plan plan;
  ownership_.plan(plan, inputs);
  return plan;
}

std::vector<store::Group> OwnershipMatrix::tabulate(const StudyInputs& inputs, const Plan& plan,
                                                    const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups{ownership_.train_group(inputs.job, plan, outcome)};
  for (store::Group& further : ownership_.further_groups(inputs, plan, outcome)) groups.push_back(std::move(further));
  return groups;
}

std::vector<Table> OwnershipMatrix::report(const store::Group& root) const {
  std::vector<Table> tables;
  const store::Group* train = root.child("train");
  if (train == nullptr) return tables;
  tables.push_back(ownership_.networks_table(*train, "Networks and their watermarks"));
  if (const store::Group* control = root.child("control")) tables.push_back(control_table(*control));
  tables.push_back(matrix_table(root, *train));
  for (Table& table : claims_tables(root, attacks_met())) tables.push_back(std::move(table));
  for (Table& table : ownership_.attack_tables(root)) tables.push_back(std::move(table));
  return tables;
}

}  // namespace telltale::experiments
