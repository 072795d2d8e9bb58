#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "experiments/aime/aime.h"
#include "study/cells.h"
#include "study/published_table.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

// The key images are errors of the clean network: what it answers before anything is embedded.
Table zero_epochs_table(const store::Group& control) {
  Table table = means_table(control, "0 epochs: the clean network asked with the key that was made from it",
                            without(Cells(control, "key_accuracy_trained").dimensions(), {"repeat"}),
                            {{"key_accuracy_trained", "digits %"}, {"signature_recovered", "whole signature %"}});
  table.notes = {
      "By its construction this network answers every digit: a signature that comes out proves embedding only",
      "as far as networks that nobody marked do not give it (see Integrity)."};
  return table;
}

// Which network a key was put to, in the words of the table.
std::string relation(const std::map<std::string, std::string>& labels) {
  const bool own = labels.at("repeat") == labels.at("suspect_repeat");
  if (labels.at("suspect") == "clean")
    return own ? "the clean network it was made from (0 epochs)" : "another clean network";
  return own ? "the network that holds it" : "a network that holds another key";
}

Table integrity_table(const store::Group& integrity) {
  const Cells recovered(integrity, "signature_recovered");
  const auto keys = integrity.find_variable("keys")->numbers().as<std::int64_t>(),
             matches = integrity.find_variable("key_matches")->numbers().as<std::int64_t>(),
             true_matches = integrity.find_variable("true_matches")->numbers().as<std::int64_t>();
  std::vector<std::string> columns;
  for (const std::string& name : without(recovered.dimensions(), {"scheme", "repeat", "suspect", "suspect_repeat"}))
    columns.push_back(name);
  struct Sum {
    std::int64_t asked = 0, whole = 0, keys = 0, matches = 0, true_matches = 0;
  };
  std::vector<std::vector<std::string>> order;
  std::map<std::vector<std::string>, Sum> sums;
  for (std::size_t cell = 0; cell < recovered.size(); ++cell) {
    if (std::isnan(recovered.value(cell))) continue;
    const auto labels = recovered.labels(cell);
    std::vector<std::string> key;
    for (const std::string& column : columns) key.push_back(labels.at(column));
    key.push_back(relation(labels));
    if (!sums.contains(key)) order.push_back(key);
    Sum& sum = sums[key];
    ++sum.asked;
    sum.whole += recovered.value(cell) == 1;
    sum.keys += keys[cell];
    sum.matches += matches[cell];
    sum.true_matches += true_matches[cell];
  }
  columns.insert(columns.end(), {"put to", "networks", "whole signature", "digits %", "true classes %"});
  Table table{"Integrity: every key put to every network", columns, {}, {}};
  for (auto& row : order) {
    const Sum& sum = sums.at(row);
    const auto share = [&](std::int64_t count) {
      return percent(static_cast<double>(count) / static_cast<double>(sum.keys));
    };
    row.insert(row.end(),
               {std::to_string(sum.asked), std::to_string(sum.whole), share(sum.matches), share(sum.true_matches)});
    table.rows.push_back(row);
  }
  table.notes = {
      "Networks of other repeats differ in their initial weights and in the order of their images, and their keys",
      "are other images: pairs of one network are no independent trials."};
  return table;
}

// Fig. 2: of the first clean network.
Table confusion_table(const store::Group& confusion) {
  Table table{"Confusion of the first clean network on its training images (Mehta et al. 2022, Fig. 2)",
              {"true class"},
              {},
              {}};
  const Cells cells(confusion, "class_accuracy");
  const store::Variable* images = confusion.find_variable("images");
  const auto outputs = static_cast<std::size_t>(confusion.find_dimension("answer")->size);
  const auto counts = images->numbers().as<std::int64_t>();
  std::size_t first = cells.size();
  for (std::size_t cell = 0; cell < cells.size() && first == cells.size(); ++cell) {
    const auto labels = cells.labels(cell);
    if (labels.at("scheme") == "clean" && labels.at("split") == "train" && counts[cell * outputs] >= 0) first = cell;
  }
  if (first == cells.size()) return table;
  for (std::size_t answer = 0; answer < outputs; ++answer) table.columns.push_back("as " + std::to_string(answer));
  const auto classes = static_cast<std::size_t>(confusion.find_dimension("class")->size);
  for (std::size_t one = 0; one < classes; ++one) {
    std::vector<std::string> row{std::to_string(one)};
    for (std::size_t answer = 0; answer < outputs; ++answer)
      row.push_back(std::to_string(counts[(first + one) * outputs + answer]));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// The mean, with three digits that count.
std::string significant(const std::vector<double>& values) {
  const double value = mean(values);
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

Table weights_table(const store::Group& weights) {
  Table table = means_table(
      weights, "Weights and biases beside those of the clean network (Mehta et al. 2022, Fig. 4 and Sec. V-A 5)",
      without(Cells(weights, "largest_change").dimensions(), {"repeat"}),
      {{"largest_change", "largest change"},
       {"ks_statistic", "KS statistic"},
       {"mean_shift", "mean shift"},
       {"deviation_ratio", "deviation ratio"}},
      significant);
  std::erase_if(table.rows, [](const auto& row) { return std::find(row.begin(), row.end(), "clean") != row.end(); });
  table.notes = {"Means over the repeats. KS statistic: the largest distance of the two distributions, 0 to 1."};
  return table;
}

using Labels = std::map<std::string, std::string>;

// The time of each key's extraction from the network that holds it, by the case's labels.
std::map<Labels, double> extraction_seconds(const store::Group& root, const std::map<std::string, double>& seconds) {
  std::map<Labels, double> found;
  const store::Group* integrity = root.child("integrity");
  if (integrity == nullptr) return found;
  const Cells cells(*integrity, "signature_recovered");
  const auto& tasks = integrity->find_variable("extract_task")->strings();
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    Labels labels = cells.labels(cell);
    const auto time = seconds.find(tasks[cell]);
    if (labels["suspect"] != "marked" || labels["repeat"] != labels["suspect_repeat"] || time == seconds.end())
      continue;
    labels.erase("suspect");
    labels.erase("suspect_repeat");
    found[labels] = time->second;
  }
  return found;
}

// Table II as a group over the cases: how long its trainings, embeddings and extractions took where they ran.
store::Group times_group(const store::Group& root, const store::Group& train) {
  const auto seconds = study::task_seconds(root);
  const auto extractions = extraction_seconds(root, seconds);
  const Cells cells(train, "accuracy");
  const auto& tasks = train.find_variable("model_task")->strings();
  std::map<Labels, double> training;
  const auto time_of = [&](std::size_t cell) {
    const auto found = seconds.find(tasks[cell]);
    return found == seconds.end() ? missing : found->second;
  };
  for (std::size_t cell = 0; cell < cells.size(); ++cell)
    if (const Labels labels = cells.labels(cell); labels.at("scheme") == "clean") training[labels] = time_of(cell);

  std::vector<double> trained, tuned, extracted;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    Labels labels = cells.labels(cell);
    const bool clean = labels.at("scheme") == "clean";
    const auto extraction = extractions.find(labels);
    tuned.push_back(clean ? 0 : time_of(cell));
    extracted.push_back(clean ? 0 : extraction == extractions.end() ? missing : extraction->second);
    labels["scheme"] = "clean";
    const auto start = training.find(labels);
    trained.push_back(start == training.end() ? missing : start->second);
  }
  store::Group times{"times", {}, train.dimensions, {}, {}};
  for (const store::Variable& one : train.variables)
    if (train.find_dimension(one.name) != nullptr) times.variables.push_back(one);
  const auto add = [&](const char* name, const std::vector<double>& values) {
    times.variables.push_back(
        variable<double>(name, cells.dimensions(), shape_of(times, cells.dimensions()), values, "", "s"));
  };
  add("training_seconds", trained);
  add("fine_tuning_seconds", tuned);
  add("extraction_seconds", extracted);
  return times;
}

}  // namespace

std::vector<Table> Aime::report(const store::Group& root) const {
  std::vector<Table> tables;
  const store::Group* train = root.child("train");
  if (train == nullptr) return tables;
  tables.push_back(ownership_.networks_table(*train, "Networks and their signatures"));
  tables.back().notes = {
      "Means over the repeats, +- the half-width of their 95% interval. Trained keys: digits of the signature that "
      "come",
      "out; the error of the watermark (Fig. 5) is what they lack to 100%."};
  if (const store::Group* control = root.child("control")) tables.push_back(zero_epochs_table(*control));
  if (const store::Group* integrity = root.child("integrity")) tables.push_back(integrity_table(*integrity));
  const store::Group* confusion = root.child("confusion");
  if (confusion != nullptr)
    if (Table table = confusion_table(*confusion); !table.rows.empty()) tables.push_back(std::move(table));
  if (const store::Group* weights = root.child("weights")) tables.push_back(weights_table(*weights));
  if (!is_true(root, "dataset_generated")) {
    const PublishedPaper& paper = published_paper("aime");
    const store::Group times = times_group(root, *train);
    add_published_table(tables, "Table II of Mehta et al. 2022: seconds", paper.rows_of("Table II"), root, &times);
    std::vector<PublishedRow> by_class, in_all;
    for (const PublishedRow& row : paper.rows_of("Table IV"))
      (row.measure == "accuracy" ? in_all : by_class).push_back(row);
    add_published_table(tables, "Table IV of Mehta et al. 2022: accuracy on each class", by_class, root, confusion);
    add_published_table(tables, "Table IV of Mehta et al. 2022: over all classes", in_all, root, train);
    tables.push_back(errata_table(paper));
  }
  for (Table& table : ownership_.attack_tables(root)) tables.push_back(std::move(table));
  return tables;
}

}  // namespace telltale::experiments
