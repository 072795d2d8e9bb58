#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/piracy/piracy.h"
#include "experiments/piracy/protection.h"
#include "experiments/settings.h"
#include "study/cells.h"
#include "study/published_table.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

Table protected_table(const store::Group& train) {
  Table table =
      means_table(train, "Networks behind a transform", without(Cells(train, "accuracy").dimensions(), {"repeat"}),
                  {{"accuracy", "authorised %"}, {"raw_accuracy", "raw %"}});
  const Table sizes = means_table(train, "", without(Cells(train, "perturbation_rms").dimensions(), {"repeat"}),
                                  {{"perturbation_rms", "rms added"}, {"perturbation_most", "most added"}},
                                  [](const auto& values) { return decimals(mean(values), 3); });
  for (std::size_t i = 0; i < 2; ++i) table.columns.push_back(sizes.columns[sizes.columns.size() - 2 + i]);
  for (std::size_t row = 0; row < table.rows.size(); ++row)
    for (std::size_t i = 0; i < 2; ++i) table.rows[row].push_back(sizes.rows[row][sizes.columns.size() - 2 + i]);
  table.notes = {
      "Means over the repeats, +- the half-width of their 95% interval. Authorised: test images processed by the",
      "transform; raw: as a thief has them. What is added is in units of the network's range of pixels."};
  return table;
}

// Of networks without a transform there is nothing to try.
void leave_out_unprotected(Table& table) {
  const auto column = std::find(table.columns.begin(), table.columns.end(), "transform") - table.columns.begin();
  std::erase_if(table.rows, [&](const auto& row) { return row.at(static_cast<std::size_t>(column)) == no_transform; });
}

// Does a transform protect, and does its network stay right, wherever it is asked?
Table machines_table(const store::Group& machines) {
  Table table = means_table(machines, "Protected networks on every machine",
                            without(Cells(machines, "accuracy").dimensions(), {"repeat"}),
                            {{"accuracy", "authorised %"},
                             {"raw_accuracy", "raw %"},
                             {"changed", "answers changed %"},
                             {"raw_changed", "raw answers changed %"}});
  table.notes = {"Transform and network on the same machine; the network at that precision, the transform in float32.",
                 "Changed: other answers than at the first precision on the first environment, to the same images."};
  return table;
}

Table attempts_table(const store::Group& group, const watermark::Attack& attack) {
  const std::vector<std::string> dimensions = without(Cells(group, "attack_deviation").dimensions(), {"repeat"});
  Table table = means_table(group, attack.title(), dimensions, {{"attack_deviation", "spread, points"}},
                            [](const auto& values) { return percent(mean(values)); });
  const Gathered gathered = gather_repeats(Cells(group, "attack_accuracy"), [&] {
    std::vector<std::string> with = dimensions;
    with.emplace_back("statistic");
    return with;
  }());
  table.columns.insert(table.columns.end() - 1, {"mean, raw %", "best, raw %"});
  for (auto& row : table.rows) {
    std::vector<std::string> key(row.begin(), row.end() - 1);
    for (const char* statistic : {"mean", "best"}) {
      key.emplace_back(statistic);
      const auto found = gathered.values.find(key);
      row.insert(row.end() - 1, found == gathered.values.end() ? "-" : percent(found->second));
      key.pop_back();
    }
  }
  leave_out_unprotected(table);
  table.notes = {
      "What a thief gets of raw images: the mean of all tries, and the try that was best on the first half of the",
      "test images, measured on the second; spread: the standard deviation over the tries. Means over the repeats,",
      "+- the half-width of their 95% interval."};
  return table;
}

// Whoever may ask the owner's device can have a network of his own: no transform hinders that.
Table device_table(const store::Group& group, const watermark::Attack& attack) {
  Table table = means_table(group, attack.title() + " through the transform",
                            without(Cells(group, "raw_accuracy").dimensions(), {"repeat"}),
                            {{"raw_accuracy", "raw %"},
                             {"raw_accuracy_second_half", "raw, second half %"},
                             {"agreement", "answers as the device %"}});
  leave_out_unprotected(table);
  table.notes = {
      "A network trained on what the owner's device answers to a thief's own raw images, which are of the",
      "first half of the test images: it needs no transform, and the stolen network only where it starts there."};
  return table;
}

// What decides is how well the transform was fitted, and not the number of pairs.
Table fit_table(const store::Group& pairs) {
  Table table = means_table(pairs, "Pair attack: accuracy against the error of the fit",
                            without(Cells(pairs, "fit_error").dimensions(), {"repeat", attempt_axis}),
                            {{"fit_error", "rms error x 100"}, {"raw_accuracy", "raw %"}});
  leave_out_unprotected(table);
  return table;
}

// What a thief regains with his labels, a column each way; last, by how much the best way with the stolen network
// exceeds the best without: what protection leaves him.
Table regained_table(const store::Group& group, const std::string& title) {
  const Cells cells(group, "raw_accuracy_second_half");
  const std::vector<std::string> dimensions = without(cells.dimensions(), {"repeat", "regain_by"});
  std::vector<std::string> with = dimensions;
  with.emplace_back("regain_by");
  const Gathered gathered = gather_repeats(cells, with);
  Table table{title, dimensions, {}, {}};
  std::vector<std::string> ways;
  std::map<std::vector<std::string>, std::map<std::string, std::vector<double>>> rows;
  std::vector<std::vector<std::string>> order;
  for (const auto& key : gathered.keys) {
    const std::vector<std::string> row(key.begin(), key.end() - 1);
    if (std::find(ways.begin(), ways.end(), key.back()) == ways.end()) ways.push_back(key.back());
    if (!rows.contains(row)) order.push_back(row);
    rows[row][key.back()] = gathered.values.at(key);
  }
  for (const std::string& way : ways) table.columns.push_back(way + " %");
  table.columns.emplace_back("stolen over scratch, points");
  for (const auto& row : order) {
    table.rows.push_back(row);
    double stolen = missing, own = missing;
    for (const std::string& way : ways) {
      const auto found = rows[row].find(way);
      table.rows.back().push_back(found == rows[row].end() ? "-" : percent(found->second));
      if (found == rows[row].end()) continue;
      double& best = way == "scratch" || way == "self-training" ? own : stolen;
      best = std::fmax(best, mean(found->second));
    }
    table.rows.back().push_back(percent(stolen - own));
  }
  leave_out_unprotected(table);
  table.notes = {
      "Raw images of the second half of the test images, classified correctly; a thief's own are of the first half.",
      "Scratch and self-training have no stolen network: what protection leaves a thief is what the best other way",
      "has over the best of them. Means over the repeats, +- the half-width of their 95% interval."};
  return table;
}

// Effort beside what it got: seconds of a try, evaluation of its outcome included.
Table effort_table(const store::Group& root) {
  Table table{"What a try takes a thief", {"attack", "way", "tries", "mean, s", "longest, s"}, {}, {}};
  const store::Group* tasks = root.child("tasks");
  if (tasks == nullptr) return table;
  const auto& kinds = tasks->find_variable("kind")->strings();
  const auto& descriptions = tasks->find_variable("description")->strings();
  const auto& identities = tasks->find_variable("identity")->strings();
  const std::map<std::string, double> seconds = task_seconds(root);
  std::vector<std::pair<std::vector<std::string>, std::vector<double>>> rows;
  for (std::size_t task = 0; task < kinds.size(); ++task) {
    const auto took = seconds.find(identities[task]);
    const Json payload = Json::parse(descriptions[task]);
    if (took == seconds.end() || std::isnan(took->second) || !payload.contains("attack") ||
        payload["attack"].size() < 2)
      continue;
    std::vector<std::string> label{kinds[task], "-"};
    for (const char* way : {"by", "model", "how", "as", "answers"})
      if (const auto found = payload["attack"].find(way); found != payload["attack"].end()) label[1] = *found;
    auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& known) { return known.first == label; });
    if (row == rows.end()) row = rows.insert(row, {label, {}});
    row->second.push_back(took->second);
  }
  for (auto& [label, took] : rows) {
    label.push_back(std::to_string(took.size()));
    label.push_back(decimals(mean(took), 1));
    label.push_back(decimals(*std::max_element(took.begin(), took.end()), 1));
    table.rows.push_back(label);
  }
  table.notes = {"Seconds of the study's tasks where they ran, over all labels, pairs and networks: what is done and",
                 "what came of it is asked."};
  return table;
}

}  // namespace

std::vector<Table> AntiPiracy::report(const store::Group& root) const {
  std::vector<Table> tables;
  const store::Group* train = root.child("train");
  if (train == nullptr) return tables;
  tables.push_back(protected_table(*train));
  const PublishedPaper& paper = published_paper("anti-piracy");
  const bool real = !is_true(root, "dataset_generated");
  if (real) add_published_table(tables, "Table 2 of Chen and Wu 2018", paper.rows_of("Table 2"), root, train);
  std::vector<PublishedRow> direct, tried;
  for (const PublishedRow& row : paper.rows_of("Table 3"))
    (row.measure == "attack_accuracy" ? tried : direct).push_back(row);
  if (real) add_published_table(tables, "Table 3 of Chen and Wu 2018: direct piracy", direct, root, train);
  if (const store::Group* machines = root.child("machines")) tables.push_back(machines_table(*machines));
  for (const watermark::Attack* attack : attacks_) {
    const store::Group* group = root.child(attack->name());
    if (group == nullptr) continue;
    if (attack->name() == "regain") {
      tables.push_back(regained_table(*group, attack->title()));
      continue;
    }
    if (attack->asks_device()) {
      tables.push_back(device_table(*group, *attack));
      continue;
    }
    if (attack->attempts_key().empty()) {
      Table table = means_table(*group, attack->title(), without(Cells(*group, "accuracy").dimensions(), {"repeat"}),
                                {{"accuracy", "authorised %"},
                                 {"raw_accuracy", "raw %"},
                                 {"raw_accuracy_second_half", "raw, second half %"}});
      table.notes = {
          "Raw: what a thief gets of the test images. He tunes with the first half: the second half shows what for."};
      tables.push_back(std::move(table));
      continue;
    }
    if (real)
      add_published_table(tables, "Table 3 of Chen and Wu 2018: " + attack->name(), tried, root, group,
                          {{"attack", attack->name()}});
    tables.push_back(attempts_table(*group, *attack));
    if (group->find_variable("fit_error") != nullptr) tables.push_back(fit_table(*group));
  }
  if (Table effort = effort_table(root); !effort.rows.empty()) tables.push_back(std::move(effort));
  if (real) tables.push_back(errata_table(paper));
  return tables;
}

}  // namespace telltale::experiments
