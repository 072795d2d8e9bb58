// What is measured of every network, and the groups and tables that show it.
#include <algorithm>
#include <set>

#include "experiments/ownership/machines.h"
#include "experiments/ownership/ownership.h"
#include "study/cells.h"

namespace telltale::experiments {

using study::Count;
using study::Job;
using study::Measure;

bool Ownership::any_has(watermark::Query query) const {
  return std::any_of(schemes_.begin(), schemes_.end(), [&](const auto* scheme) { return scheme->has(query); });
}

bool Ownership::any_needs_answers() const {
  return std::any_of(schemes_.begin(), schemes_.end(), [](const auto* scheme) { return scheme->needs_answers(); });
}

std::vector<Measure> Ownership::measures() const {
  std::vector<Measure> all{
      {"accuracy", "accuracy", "share of the test images classified correctly (a new label's output counts as wrong)"},
      {"accuracy_first_half", "accuracy_first_half",
       "the same of the first half of the test images, with which fine-tuning trains"},
      {"accuracy_second_half", "accuracy_second_half", "the same of the second half, which no attack sees"}};
  if (any_has(watermark::Query::fresh)) {
    all.push_back({"key_accuracy", "key_accuracy_new",
                   "share of untrained key samples (made of test images with the owner's secret) answered with the "
                   "watermark's label"});
    all.push_back(
        {"key_accuracy_trained", "key_accuracy_trained", "the same for the key samples that were trained on"});
  } else {
    all.push_back({"key_accuracy_trained", "key_accuracy_trained",
                   "share of the key samples answered with the watermark's label"});
  }
  if (any_has(watermark::Query::wrong_secret))
    all.push_back(
        {"key_accuracy_wrong_secret", "key_accuracy_wrong", "the same for key samples made with another secret"});
  if (any_needs_answers())
    all.push_back({"signature_recovered", "signature", "1 if all key samples got the watermark's label, 0 if not"});
  if (any_has(watermark::Query::other_source))
    all.push_back({"key_accuracy_other_source", "key_accuracy_other",
                   "the same for images of all classes but the marked one and the target, with the owner's mark"});
  if (std::any_of(schemes_.begin(), schemes_.end(), [](const auto* scheme) { return scheme->outputs(1) > 1; }))
    all.push_back({"accuracy_label_removed", "accuracy_label_removed",
                   "share of the test images classified correctly after a thief deletes the new label's output"});
  return all;
}

std::vector<Measure> Ownership::measures_after(const watermark::Attack& attack) const {
  std::vector<Measure> all = measures();
  for (const auto& [variable, help] : attack.measures()) all.push_back({variable, variable, help});
  if (attack.refuses()) {
    all.push_back({"refused", "refused", "share of the test images that got no answer"});
    if (any_has(watermark::Query::fresh))
      all.push_back({"refused_keys", "refused_new", "share of the untrained key samples that got no answer"});
    all.push_back(
        {"refused_keys_trained", "refused_trained", "share of the key samples trained on that got no answer"});
  }
  return all;
}

std::vector<Count> Ownership::counts() const {
  std::vector<Count> all;
  if (any_has(watermark::Query::fresh)) {
    all.push_back({"keys", "keys_new", "untrained key samples that were asked"});
    all.push_back({"key_matches", "key_matches_new", "of them, answered with the watermark's label"});
  }
  all.push_back({"keys_trained", "keys_trained", "key samples that were trained on and asked"});
  all.push_back({"key_matches_trained", "key_matches_trained", "of them, answered with the watermark's label"});
  if (any_needs_answers())
    all.push_back({"true_matches_trained", "true_matches_trained", "of them, answered with the image's true class"});
  if (any_has(watermark::Query::wrong_secret)) {
    all.push_back({"keys_wrong_secret", "keys_wrong", "key samples made with another secret that were asked"});
    all.push_back({"key_matches_wrong_secret", "key_matches_wrong", "of them, answered with the watermark's label"});
  }
  if (any_has(watermark::Query::other_source)) {
    all.push_back({"keys_other_source", "keys_other", "marked images of other classes that were asked"});
    all.push_back({"key_matches_other_source", "key_matches_other", "of them, answered with the watermark's label"});
  }
  return all;
}

store::Group Ownership::train_group(const Job& job, const Plan& plan, const OutcomeLookup& outcome) const {
  store::Group group = group_of(plan.stage("evaluate"), outcome);
  group.name = "train";
  add_training_variables(
      group, plan.stage("train"), job, outcome,
      {{"train_loss", "mean cross-entropy of each epoch's batches, in nats"},
       {"train_accuracy", "share of each epoch's training samples (key samples included) classified correctly"},
       {"epoch_accuracy", "share of the test images classified correctly after each epoch"},
       {"epoch_key_accuracy", "share of untrained key samples recognised after each epoch (at most 1,000 of them)"}});
  if (claims(job)) add_claims(group, plan.stage("evaluate"), cases(job), plan.find_stage("null"), job, outcome);
  return group;
}

std::vector<store::Group> Ownership::further_groups(const StudyInputs& inputs, const Plan& plan,
                                                    const OutcomeLookup& outcome) const {
  const Job& job = inputs.job;
  std::vector<store::Group> groups;
  if (const Stage* control = plan.find_stage("control")) groups.push_back(group_of(*control, outcome));
  for (const watermark::Attack* attack : attacks_)
    if (const Stage* stage = plan.find_stage(attack->name())) {
      groups.push_back(group_of(*stage, outcome));
      groups.back().variables.push_back(
          study::texts("attack_task", stage->grid.dimensions(), identities_of(*stage, outcome),
                       "identity of the task that attacked and asked: run/seconds says how long it took"));
      if (claims(job)) add_claims(groups.back(), *stage, cases(job), plan.find_stage("null"), job, outcome);
    }
  for (const char* stage : {"null", "false-claims"})
    if (const Stage* planned = plan.find_stage(stage)) groups.push_back(group_of(*planned, outcome));
  if (const Stage* machines = plan.find_stage("machines"))
    groups.push_back(machines_group(*machines, cases(job), plan.find_stage("null"), inputs, outcome));
  return groups;
}

std::vector<std::pair<std::string, std::string>> measured_columns(const store::Group& group, bool halves) {
  std::vector<std::pair<std::string, std::string>> columns{{"accuracy", "test %"}};
  if (halves)
    columns.insert(columns.end(), {{"accuracy_first_half", "first half %"}, {"accuracy_second_half", "second half %"}});
  columns.insert(columns.end(), {{"key_accuracy", "new keys %"},
                                 {"key_accuracy_trained", "trained keys %"},
                                 {"key_accuracy_wrong_secret", "wrong secret %"},
                                 {"key_accuracy_other_source", "other classes %"},
                                 {"signature_recovered", "whole signature %"}});
  // Not every experiment measures all of it, and files of earlier versions do not have all.
  std::erase_if(columns, [&](const auto& column) { return group.find_variable(column.first) == nullptr; });
  return columns;
}

study::Table control_table(const store::Group& control) {
  const auto columns = measured_columns(control);
  study::Table table = study::means_table(
      control, "The clean network, asked with the same key samples",
      study::without(study::Cells(control, columns.front().first).dimensions(), {"repeat"}), columns);
  table.notes = {"How often a network that nobody marked gives the watermark's label: what every proof has to exceed."};
  return table;
}

// A clean network has no settings of a scheme: cases that differ in those alone are one row.
void Ownership::join_clean_rows(study::Table& table) const {
  if (!control_.empty()) return;  // there they are asked with that scheme's keys, which differ
  std::set<std::string> of_schemes;
  for (const Parameter& parameter : scheme_keys().parameters) of_schemes.insert(parameter.dimension_name());
  const auto scheme = std::find(table.columns.begin(), table.columns.end(), "scheme");
  if (scheme == table.columns.end()) return;
  const auto column_of_scheme = static_cast<std::size_t>(scheme - table.columns.begin());
  std::set<std::vector<std::string>> seen;
  std::erase_if(table.rows, [&](std::vector<std::string>& row) {
    if (watermark::scheme_named(row[column_of_scheme]).marks()) return false;
    for (std::size_t column = 0; column < row.size(); ++column)
      if (column != column_of_scheme && of_schemes.contains(table.columns[column])) row[column] = "-";
    return !seen.insert(row).second;
  });
}

study::Table Ownership::networks_table(const store::Group& group, const std::string& title,
                                       const std::vector<std::string>& pooled, bool halves) const {
  std::vector<std::string> left_out = pooled;
  left_out.emplace_back("repeat");
  study::Table table =
      study::means_table(group, title, study::without(study::Cells(group, "accuracy").dimensions(), left_out),
                         measured_columns(group, halves));
  join_clean_rows(table);
  return table;
}

std::vector<study::Table> Ownership::attack_tables(const store::Group& root) const {
  std::vector<study::Table> tables;
  for (const watermark::Attack* attack : attacks_) {
    const store::Group* group = root.child(attack->name());
    if (group == nullptr) continue;
    tables.push_back(networks_table(*group, attack->title(), {"alpha", "beta", "share"}, true));
    tables.back().notes = {"Means over all that is not shown, +- the half-width of the 95% interval over the repeats."};
  }
  return tables;
}

}  // namespace telltale::experiments
