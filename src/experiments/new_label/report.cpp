#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "experiments/new_label/new_label.h"
#include "study/axis.h"
#include "study/cells.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

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
  table.notes = {
      "From the measured share of new keys recognised. The paper says E[q] = 2 and 40 queries for p = 0.8, tau = 0.3; "
      "its",
      "formulas give 1.25, and 20 as the smallest number (34 from which on all hold)."};
  return table;
}

struct Published {
  const char* dataset;
  const char* method;
  const char* beta;
  double normal, key;
};

// Table 1, the values before fine-tuning, alpha = 0.01.
constexpr Published table_1[] = {
    {"mnist", "new-label", "0.0035", 97.94, 99.89},  {"mnist", "noise-backdoor", "0.0035", 97.88, 99.61},
    {"cifar-10", "new-label", "0.01", 87.46, 99.78}, {"cifar-10", "noise-backdoor", "0.01", 86.62, 99.95},
    {"cifar-100", "new-label", "0.01", 59.32, 100},  {"cifar-100", "noise-backdoor", "0.01", 59.09, 100},
};

// Published beside measured, where the grid holds the point. Never for generated data.
Table published_table(const store::Group& root, const store::Group& train) {
  Table table{"Table 1 of Zhong et al. 2020, before fine-tuning (alpha = 0.01)", {}, {}, {}};
  const std::string dataset = text_of(root, "dataset");
  const Cells accuracy(train, "accuracy");
  const auto dimensions = without(accuracy.dimensions(), {"repeat"});
  table.columns = dimensions;
  table.columns.insert(table.columns.end(),
                       {"test %: paper", "measured", "difference", "new keys %: paper", "measured", "difference"});
  const Gathered normal = gather_by(accuracy, dimensions), key = gather_by(Cells(train, "key_accuracy"), dimensions);
  const auto place = [&](const char* name) {
    return static_cast<std::size_t>(std::find(dimensions.begin(), dimensions.end(), name) - dimensions.begin());
  };
  for (const auto& labels : normal.keys)
    for (const Published& p : table_1) {
      if (dataset != p.dataset || labels[place("scheme")] != p.method || labels[place("alpha")] != "0.01" ||
          labels[place("beta")] != p.beta)
        continue;
      auto row = labels;
      for (const auto& [published, values] :
           {std::pair(p.normal, &normal.values.at(labels)), std::pair(p.key, &key.values.at(labels))}) {
        char number[32], difference[32];
        std::snprintf(number, sizeof number, "%.2f", published);
        std::snprintf(difference, sizeof difference, "%+.2f", 100 * mean(*values) - published);
        row.insert(row.end(), {number, percent(*values), std::isnan(mean(*values)) ? "-" : difference});
      }
      table.rows.push_back(std::move(row));
    }
  return table;
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
  // Fig. 3e, which names beta 0.001, is CIFAR-10's by its place.
  const bool is_fig_3e = text_of(root, "dataset") == "cifar-10";
  for (const auto& [scheme, curves] : schemes) {
    const auto add = [&](const std::string& statement, const std::string& measured) {
      if (!measured.empty()) table.rows.push_back({scheme.first, scheme.second, statement, measured});
    };
    add("key accuracy rises with beta", rises_with_beta(curves));
    if (is_fig_3e)
      add("80% of new keys at beta 0.001 (paper: alpha 0.006; rival above 0.009)",
          alpha_from_which(curves, 0.001, 0.8));
    if (!clean.empty() && !accuracies[scheme].empty())
      add("test accuracy stays at the clean network's",
          percent(mean(accuracies[scheme])) + " against " + percent(mean(clean)));
  }
  return table;
}

// Fig. 4: means over alpha and beta in each repeat.
Table prune_table(const store::Group& prune) {
  const Cells cells(prune, "accuracy");
  Table table = means_table(prune, "Pruning (Zhong et al. 2020, Fig. 4)",
                            without(cells.dimensions(), {"repeat", "alpha", "beta"}), measured_columns);
  table.notes = {"Means over alpha and beta, +- the half-width of the 95% interval over the repeats."};
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
      Table published = published_table(root, *train);
      if (!published.rows.empty()) tables.push_back(std::move(published));
      tables.push_back(statements_table(root, *train));
    }
  }
  if (const store::Group* prune = root.child("prune")) tables.push_back(prune_table(*prune));
  if (const store::Group* predict = root.child("predict")) tables.push_back(predict_table(*predict));
  return tables;
}

}  // namespace telltale::experiments
