#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "experiments/new_label/new_label.h"
#include "experiments/new_label/twist.h"
#include "study/axis.h"
#include "study/cells.h"
#include "study/published_table.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

// Fig. 3: accuracies over the grid, means over the repeats.
Table grid_table(const store::Group& train) {
  const Cells cells(train, "accuracy");
  Table table = means_table(train, "Accuracy over the grid (Zhong et al. 2020, Fig. 3)",
                            without(cells.dimensions(), {"repeat"}), measured_columns(train));
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
    row.push_back(std::isnan(q) ? "-" : std::isinf(q) ? "never" : shortest(q));
    table.rows.push_back(std::move(row));
  }
  table.notes = {"From the measured share of new keys recognised."};
  for (const char* section : {"Sec. 3.2", "Sec. 4.2"})
    for (const PublishedRow& row : published_paper("new-label").rows_of(section))
      if (!row.erratum.empty()) table.notes.push_back(cited(row));
  return table;
}

// The paper's networks were trained on their watermarks from the start.
bool trains_as_published(const store::Group& root) { return settings_of(root).value("embed", "joint") == "joint"; }

// Published beside measured, where the grid holds the point. Never for generated data.
Table table_1(const store::Group& root, const store::Group& train) {
  std::vector<PublishedRow> rows = published_paper("new-label").rows_of("Table 1");
  for (const PublishedRow& row : published_paper("new-label").rows_of("Sec. 4.1")) rows.push_back(row);
  return published_table("Table 1 of Zhong et al. 2020, before fine-tuning, and the clean network of Sec. 4.1", rows,
                         ResultsView{train, settings_of(root)});
}

// The same after fine-tuning; the paper says neither how nor for how long.
Table table_1_tuned(const store::Group& root, const store::Group& tuned) {
  Json constants = settings_of(root);
  constants["attack"] = "fine-tuning";
  std::vector<PublishedRow> rows = published_paper("new-label").rows_of("Table 1");
  std::erase_if(rows, [](const PublishedRow& row) { return !row.coordinates.contains("attack"); });
  return published_table("Table 1 of Zhong et al. 2020, after fine-tuning", rows,
                         ResultsView{tuned, std::move(constants)});
}

// Those of them that have rows.
std::vector<Table> published_tables(const store::Group& root, const store::Group& train) {
  std::vector<Table> tables;
  if (!trains_as_published(root)) return tables;
  tables.push_back(table_1(root, train));
  if (const store::Group* tuned = root.child("fine-tune")) tables.push_back(table_1_tuned(root, *tuned));
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  return tables;
}

// One scheme's mean key accuracy over the grid, by alpha, then beta.
using Curves = std::map<double, std::map<double, double>>;

// "3 of 5 pairs of one alpha": a higher beta with a higher key accuracy, ties not counted.
std::string rises_with_beta(const Curves& curves) {
  std::size_t rises = 0, pairs = 0;
  for (const auto& [alpha, curve] : curves)
    for (auto low = curve.begin(); low != curve.end(); ++low)
      for (auto high = std::next(low); high != curve.end(); ++high) {
        ++pairs;
        rises += high->second > low->second;
      }
  return pairs == 0 ? "" : std::to_string(rises) + " of " + std::to_string(pairs) + " pairs of one alpha";
}

// "from alpha 0.007 on": the smallest alpha from which on every one on the grid reaches the share.
std::string alpha_from_which(const Curves& curves, double beta, double share) {
  std::string from;
  bool asked = false;
  for (auto curve = curves.rbegin(); curve != curves.rend(); ++curve) {
    const auto at = curve->second.find(beta);
    if (at == curve->second.end()) continue;
    asked = true;
    if (!(at->second >= share)) break;
    from = "from alpha " + shortest(curve->first) + " on";
  }
  return !asked ? "" : from.empty() ? "not on this grid" : from;
}

// What the paper's text states of Fig. 3 and can be compared.
Table statements_table(const store::Group& root, const store::Group& train) {
  Table table{"What the text states of Fig. 3", {"scheme", "reading", "statement", "measured"}, {}, {}};
  const std::vector<std::string> dimensions = {"scheme", "reading", "alpha", "beta"};
  const Gathered key = gather_by(Cells(train, "key_accuracy"), dimensions),
                 normal = gather_by(Cells(train, "accuracy"), dimensions);
  std::map<std::pair<std::string, std::string>, Curves> schemes;
  std::map<std::pair<std::string, std::string>, std::vector<double>> accuracies;
  std::vector<double> clean;
  for (const auto& labels : normal.keys) {
    const auto& values = normal.values.at(labels);
    auto& list = labels[0] == "clean" ? clean : accuracies[{labels[0], labels[1]}];
    list.insert(list.end(), values.begin(), values.end());
    if (const double recognised = mean(key.values.at(labels)); labels[0] != "clean" && !std::isnan(recognised))
      schemes[{labels[0], labels[1]}][parse_number(labels[2])][parse_number(labels[3])] = recognised;
  }
  for (const auto& [scheme, curves] : schemes) {
    const auto add = [&](const std::string& statement, const std::string& measured) {
      if (!measured.empty()) table.rows.push_back({scheme.first, scheme.second, statement, measured});
    };
    add("key accuracy rises with beta", rises_with_beta(curves));
    // The text's alpha for a share of new keys at one beta; of another data set it says nothing.
    for (const PublishedRow& stated :
         published_paper("new-label")
             .rows_of("Fig. 3e", {{"dataset", text_of(root, "dataset")}, {"scheme", scheme.first}})) {
      const double share = stated.coordinates.at("p"), beta = stated.coordinates.at("beta");
      add(shortest(100 * share) + "% of new keys at beta " + shortest(beta) + " (paper: alpha " +
              (stated.bound.empty() ? "" : stated.bound + " ") + shortest(stated.value) + ")",
          alpha_from_which(curves, beta, share));
    }
    if (!clean.empty() && !accuracies[scheme].empty())
      add("test accuracy stays at the clean network's",
          percent(mean(accuracies[scheme])) + " against " + percent(mean(clean)));
  }
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
  const Array& values = classes->numbers();
  const auto differing = predict.find_variable("differing_images")->numbers().as<std::int64_t>();
  for (const std::int64_t batch : batches) {
    table.columns.push_back("batch " + std::to_string(batch));
    table.columns.push_back("images that differ from " + names.front());
  }
  for (std::size_t e = 0; e < names.size(); ++e) {
    std::vector<std::string> row = {names[e]};
    for (std::size_t b = 0; b < batches.size(); ++b) {
      // Earlier versions wrote these as int64.
      const std::size_t cell = e * batches.size() + b;
      const std::int64_t first =
          values.dtype == DType::int64 ? values.as<std::int64_t>()[cell] : values.as<std::int32_t>()[cell];
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
      for (Table& published : published_tables(root, *train)) tables.push_back(std::move(published));
      tables.push_back(statements_table(root, *train));
      tables.push_back(errata_table(published_paper("new-label")));
    }
  }
  for (Table& table : ownership_.attack_tables(root)) tables.push_back(std::move(table));
  if (std::optional<Table> embedding = embedding_table(root)) tables.push_back(std::move(*embedding));
  if (const store::Group* twist = root.child("twist")) tables.push_back(twist_table(*twist));
  if (const store::Group* predict = root.child("predict")) tables.push_back(predict_table(*predict));
  return tables;
}

}  // namespace telltale::experiments
