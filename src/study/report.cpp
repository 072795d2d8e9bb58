#include "study/report.h"

#include <algorithm>

#include "core/error.h"
#include "study/cells.h"
#include "study/experiment.h"
#include "study/results.h"

namespace telltale::study {
namespace {

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ';');
  return text;
}

Table overview(const store::Group& root) {
  Table table{text_of(root, "title").empty() ? "Study" : text_of(root, "title"), {"", ""}, {}, {}};
  const std::string tasks = text_of(root, "tasks_done") + " done, " + text_of(root, "tasks_failed") + " failed, " +
                            text_of(root, "tasks_open") + " open";
  table.rows = {{"experiment", text_of(root, "experiment")},
                {"data set", text_of(root, "dataset") + " (" + one_line(text_of(root, "dataset_source")) + ")"},
                {"tasks", tasks},
                {"program", text_of(root, "program_version") + " (" + text_of(root, "git") + ")"}};
  if (const store::Group* environments = root.child("environments")) {
    const std::string trainer = text_of(*environments, "training_environment");
    table.rows.push_back({"trained on", trainer.empty() ? text_of(*environments, "training_rule") : trainer});
  }
  if (is_true(root, "dataset_generated"))
    table.notes.push_back("Generated data: these figures are no reproduction of the paper's.");
  if (!is_true(root, "reproducible"))
    table.notes.push_back("train-on = any: these figures are not reproducible bit for bit.");
  if (!is_true(root, "complete")) table.notes.push_back("Not complete: open cells are shown as -.");
  return table;
}

}  // namespace

std::vector<Table> report(const store::Group& root) {
  if (text_of(root, "format") != results_format) throw Error("this is no results file of telltale");
  if (text_of(root, "format_version") != std::to_string(results_version))
    throw Error("results of format version " + text_of(root, "format_version") + "; this program knows version " +
                std::to_string(results_version));
  std::vector<Table> tables = {overview(root)};
  for (Table& table : experiment_named(text_of(root, "experiment")).report(root)) tables.push_back(std::move(table));
  return tables;
}

}  // namespace telltale::study
