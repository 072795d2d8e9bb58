#include "experiments/backdoor/backdoor.h"

#include "experiments/ownership/inversion.h"
#include "experiments/ownership/key_images.h"
#include "study/cells.h"
#include "study/published_table.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

// The rows of two of the paper's tables: one a data set.
std::vector<PublishedRow> rows_of_tables(const char* one, const char* other) {
  std::vector<PublishedRow> rows = published_paper("backdoor-watermarks").rows_of(one);
  for (const PublishedRow& row : published_paper("backdoor-watermarks").rows_of(other)) rows.push_back(row);
  return rows;
}

}  // namespace

Backdoor::Backdoor() : OwnershipExperiment({{"content", "unrelated", "noise", "clean"}, {"prune", "fine-tune"}, ""}) {}

std::vector<ParameterGroup> Backdoor::keys() const {
  ParameterGroup schemes = ownership_.scheme_keys();
  schemes.parameters.push_back(show_images_key());
  return {training_keys(), std::move(schemes), ownership_.attack_keys(), inversion_keys()};
}

std::vector<forensics::Subject> Backdoor::subjects(const Job& job, const data::Dataset* data) const {
  auto subjects = ownership_.subjects(job, data);
  add_inversion_subjects(subjects, job);
  return subjects;
}

Plan Backdoor::plan(const StudyInputs& inputs) const {
  ownership_.check(inputs);
  Plan plan;
  const auto trainings = ownership_.plan(plan, inputs);
  plan_key_images(plan, inputs, ownership_, trainings);
  plan_inversion(plan, inputs, ownership_, trainings);
  return plan;
}

std::vector<store::Group> Backdoor::tabulate(const StudyInputs& inputs, const Plan& plan,
                                             const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups{ownership_.train_group(inputs.job, plan, outcome)};
  for (store::Group& further : ownership_.further_groups(inputs, plan, outcome)) groups.push_back(std::move(further));
  if (const Stage* shown = plan.find_stage("key-images")) groups.push_back(key_images_group(*shown, inputs, outcome));
  if (const Stage* inverted = plan.find_stage("inversion"))
    groups.push_back(inversion_group(*inverted, inputs, outcome));
  return groups;
}

std::vector<Table> Backdoor::report(const store::Group& root) const {
  std::vector<Table> tables;
  const store::Group* train = root.child("train");
  if (train == nullptr) return tables;
  tables.push_back(ownership_.networks_table(*train, "Networks and their watermarks"));
  tables.back().notes = {
      "Means over the repeats, +- the half-width of their 95% interval. New keys: of test images; wrong secret:",
      "another word, letter or noise; other classes: the owner's mark on images that are never marked."};
  if (const store::Group* control = root.child("control")) tables.push_back(control_table(*control));
  if (!is_true(root, "dataset_generated")) {
    add_published_table(tables, "Tables 1 and 2 of Zhang et al. 2018", rows_of_tables("Table 1", "Table 2"), root,
                        train);
    add_published_table(tables, "Tables 3 and 4 of Zhang et al. 2018: pruning", rows_of_tables("Table 3", "Table 4"),
                        root, root.child("prune"));
    add_published_table(tables, "Table 5 of Zhang et al. 2018: fine-tuning",
                        published_paper("backdoor-watermarks").rows_of("Table 5"), root, root.child("fine-tune"),
                        {{"attack", "fine-tuning"}});
    tables.push_back(errata_table(published_paper("backdoor-watermarks")));
  }
  for (Table& table : ownership_.attack_tables(root)) tables.push_back(std::move(table));
  if (std::optional<Table> embedding = embedding_table(root)) tables.push_back(std::move(*embedding));
  if (const store::Group* inversion = root.child("inversion")) tables.push_back(inversion_table(*inversion));
  return tables;
}

}  // namespace telltale::experiments
