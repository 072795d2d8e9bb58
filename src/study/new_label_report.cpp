#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "study/cells.h"
#include "study/new_label.h"
#include "study/published_table.h"

namespace telltale::study {
namespace {

const std::vector<std::pair<std::string, std::string>> measured_columns = {
    {"accuracy", "test %"},
    {"key_accuracy", "new keys %"},
    {"key_accuracy_trained", "trained keys %"},
    {"key_accuracy_wrong_secret", "wrong secret %"},
};

// Fig. 3: accuracies over the grid, means over the repeats.
Table grid_table(const store::Group& train) {
  const Cells cells(train, "accuracy");
  Table table = means_table(train, "Accuracy over the grid (Zhong et al. 2020, Fig. 3)",
                            without(cells.dimensions(), {"repeat"}), measured_columns);
  table.notes = {
      "Means over the repeats, +- the half-width of their 95% interval. Clean: how often the network without a",
      "watermark answers the rival's label; a new label it cannot answer at all."};
  return table;
}

// Sec. 3.2 and 4.2: how many queries a proof takes.
Table query_table(const store::Group& train) {
  const Cells cells(train, "key_accuracy");
  const auto dimensions = without(cells.dimensions(), {"repeat"});
  Table table{"Queries for a proof (Zhong et al. 2020, Sec. 3.2 and 4.2)", dimensions, {}, {}};
  table.columns.insert(table.columns.end(), {"E[q]", "queries for 90%"});
  const Gathered expected = gather_by(Cells(train, "expected_queries"), dimensions),
                 queries = gather_by(Cells(train, "queries_for_90"), dimensions);
  for (const auto& key : expected.keys) {
    if (std::find(key.begin(), key.end(), "clean") != key.end()) continue;
    auto row = key;
    const double e = mean(expected.values.at(key)), q = mean(queries.values.at(key));
    row.push_back(std::isnan(e) ? "-" : shortest(e));
    row.push_back(std::isnan(q) ? "-" : shortest(q));
    table.rows.push_back(std::move(row));
  }
  table.notes = {"From the measured share of new keys recognised."};
  for (const char* section : {"Sec. 3.2", "Sec. 4.2"})
    for (const PublishedRow& row : published_paper("new-label").rows_of(section))
      if (!row.erratum.empty()) table.notes.push_back(cited(row));
  return table;
}

// Published beside measured, where the grid holds the point. Never for generated data.
Table table_1(const store::Group& root, const store::Group& train) {
  std::vector<PublishedRow> rows = published_paper("new-label").rows_of("Table 1");
  for (const PublishedRow& row : published_paper("new-label").rows_of("Sec. 4.1")) rows.push_back(row);
  return published_table("Table 1 of Zhong et al. 2020, before fine-tuning, and the clean network of Sec. 4.1", rows,
                         ResultsView{train, settings_of(root)});
}

// What the paper's text states of Fig. 3 and can be compared.
Table statements_table(const store::Group& root, const store::Group& train) {
  Table table{"What the text states of Fig. 3", {"scheme", "reading", "statement", "measured"}, {}, {}};
  const std::vector<std::string> dimensions = {"scheme", "reading", "alpha", "beta"};
  const Gathered key = gather_by(Cells(train, "key_accuracy"), dimensions),
                 normal = gather_by(Cells(train, "accuracy"), dimensions);
  std::set<std::pair<std::string, std::string>> schemes;
  std::vector<double> clean;
  for (const auto& labels : normal.keys) {
    if (labels[0] == "clean")
      clean.insert(clean.end(), normal.values.at(labels).begin(), normal.values.at(labels).end());
    else
      schemes.emplace(labels[0], labels[1]);
  }
  for (const auto& [method, reading] : schemes) {
    // The text's alpha for a share of new keys at one beta; of another data set it says nothing.
    const auto stated =
        published_paper("new-label").rows_of("Fig. 3e", {{"dataset", text_of(root, "dataset")}, {"scheme", method}});
    std::size_t rises = 0, pairs = 0;
    std::string enough;
    double enough_alpha = 0;
    bool asked = false;  // whether the grid holds the beta that the text speaks of
    const double share = stated.empty() ? 0 : stated.front().coordinates.at("p").get<double>();
    std::vector<double> accuracies;
    for (const auto& a : key.keys) {
      if (a[0] != method || a[1] != reading) continue;
      const auto& values = normal.values.at(a);
      accuracies.insert(accuracies.end(), values.begin(), values.end());
      for (const auto& b : key.keys) {
        if (b[0] != method || b[1] != reading || a[2] != b[2] || std::stod(b[3]) <= std::stod(a[3])) continue;
        if (std::isnan(mean(key.values.at(a))) || std::isnan(mean(key.values.at(b)))) continue;
        ++pairs;
        rises += mean(key.values.at(b)) >= mean(key.values.at(a));
      }
      if (stated.empty() || !same_coordinate(a[3], stated.front().coordinates.at("beta"))) continue;
      asked = true;
      const double alpha = std::stod(a[2]);
      if (mean(key.values.at(a)) >= share && (enough.empty() || alpha < enough_alpha)) {
        enough_alpha = alpha;
        enough = "from alpha " + a[2] + " on";
      }
    }
    if (pairs > 0)
      table.rows.push_back({method, reading, "key accuracy rises with beta",
                            std::to_string(rises) + " of " + std::to_string(pairs) + " pairs of one alpha"});
    if (asked)
      table.rows.push_back({method, reading,
                            shortest(100 * share) + "% of new keys at beta " +
                                shortest(stated.front().coordinates.at("beta").get<double>()) + " (paper: alpha " +
                                (stated.front().bound.empty() ? "" : stated.front().bound + " ") +
                                shortest(stated.front().value) + ")",
                            enough.empty() ? "not on this grid" : enough});
    if (!clean.empty() && !accuracies.empty())
      table.rows.push_back({method, reading, "test accuracy stays at the clean network's",
                            percent(mean(accuracies)) + " against " + percent(mean(clean))});
  }
  return table;
}

// Fig. 4: means over alpha, beta and repeats.
Table prune_table(const store::Group& prune) {
  const Cells cells(prune, "accuracy");
  Table table = means_table(prune, "Pruning (Zhong et al. 2020, Fig. 4)",
                            without(cells.dimensions(), {"repeat", "alpha", "beta"}), measured_columns);
  table.notes = {"Means over alpha, beta and repeats, +- the half-width of their 95% interval."};
  return table;
}

// Of every batch size, the environments whose answers have the same bits.
Table predict_table(const store::Group& predict) {
  Table table{"Which environments fall together (bit-identical logits of one model on the same images)",
              {"environment"},
              {},
              {}};
  const store::Variable* classes = predict.find_variable("equivalence_class");
  if (classes == nullptr) return table;
  const auto& names = predict.find_variable("environment")->strings();
  const auto batches = predict.find_variable("predict_batch")->numbers().as<std::int64_t>();
  const auto images = predict.find_dimension("image")->size;
  const auto values = classes->numbers().as<std::int64_t>();
  const auto differing = predict.find_variable("differing_images")->numbers().as<std::int64_t>();
  for (const std::int64_t batch : batches) {
    table.columns.push_back("batch " + std::to_string(batch));
    table.columns.push_back("images that differ from " + names.front());
  }
  for (std::size_t e = 0; e < names.size(); ++e) {
    std::vector<std::string> row = {names[e]};
    for (std::size_t b = 0; b < batches.size(); ++b) {
      const std::int64_t first = values[e * batches.size() + b];
      const std::int64_t count = differing[e * names.size() * batches.size() + b];
      row.push_back(first < 0 ? "-" : "like " + names[static_cast<std::size_t>(first)]);
      row.push_back(count < 0 ? "-" : std::to_string(count) + " of " + std::to_string(images));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::vector<Table> NewLabel::report(const store::Group& root) const {
  std::vector<Table> tables;
  if (const store::Group* train = root.child("train")) {
    tables.push_back(grid_table(*train));
    tables.push_back(query_table(*train));
    if (!is_true(root, "dataset_generated")) {
      Table published = table_1(root, *train);
      if (!published.rows.empty()) tables.push_back(std::move(published));
      tables.push_back(statements_table(root, *train));
      tables.push_back(errata_table(published_paper("new-label")));
    }
  }
  if (const store::Group* prune = root.child("prune")) tables.push_back(prune_table(*prune));
  if (const store::Group* predict = root.child("predict")) tables.push_back(predict_table(*predict));
  return tables;
}

}  // namespace telltale::study
