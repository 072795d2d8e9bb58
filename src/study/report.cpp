#include "study/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "core/error.h"
#include "study/results.h"
#include "watermark/verification.h"

namespace telltale::study {
namespace {

std::string text_of(const store::Group& group, const char* name) {
  const store::Attribute* attribute = group.find_attribute(name);
  if (attribute == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&attribute->value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&attribute->value)) return std::to_string(*number);
  return "";
}

bool is_true(const store::Group& group, const char* name) { return text_of(group, name) == "1"; }

std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ';');
  return text;
}

// A variable with its dimensions, walked cell by cell.
class Cells {
 public:
  Cells(const store::Group& group, const std::string& name) : group_(group), variable_(*group.find_variable(name)) {
    for (const std::string& dimension : variable_.dimensions) sizes_.push_back(static_cast<std::size_t>(find_size(dimension)));
  }

  [[nodiscard]] const std::vector<std::string>& dimensions() const { return variable_.dimensions; }
  [[nodiscard]] std::size_t size() const { return variable_.numbers().elements(); }
  [[nodiscard]] double value(std::size_t cell) const { return variable_.numbers().as<double>()[cell]; }

  /// The labels of a cell by dimension.
  [[nodiscard]] std::map<std::string, std::string> labels(std::size_t cell) const {
    std::map<std::string, std::string> labels;
    for (std::size_t d = sizes_.size(); d-- > 0;) {
      labels[variable_.dimensions[d]] = label(variable_.dimensions[d], cell % sizes_[d]);
      cell /= sizes_[d];
    }
    return labels;
  }

  /// Labels of one dimension in their order.
  [[nodiscard]] std::string label(const std::string& dimension, std::size_t position) const {
    const store::Variable* coordinate = group_.find_variable(dimension);
    if (coordinate == nullptr) return std::to_string(position);
    if (const auto* strings = std::get_if<std::vector<std::string>>(&coordinate->data)) return strings->at(position);
    const Array& numbers = coordinate->numbers();
    if (numbers.dtype == DType::float64) return shortest(numbers.as<double>()[position]);
    return std::to_string(numbers.as<std::int64_t>()[position]);
  }

 private:
  [[nodiscard]] std::int64_t find_size(const std::string& dimension) const { return group_.find_dimension(dimension)->size; }

  const store::Group& group_;
  const store::Variable& variable_;
  std::vector<std::size_t> sizes_;
};

// The values of a variable gathered by the labels of some dimensions, in the order in which they first appear.
struct Gathered {
  std::vector<std::vector<std::string>> keys;
  std::map<std::vector<std::string>, std::vector<double>> values;
};

Gathered gather_by(const Cells& cells, const std::vector<std::string>& dimensions) {
  Gathered gathered;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const auto labels = cells.labels(cell);
    std::vector<std::string> key;
    for (const std::string& dimension : dimensions) key.push_back(labels.at(dimension));
    auto [place, is_new] = gathered.values.try_emplace(key);
    if (is_new) gathered.keys.push_back(key);
    if (!std::isnan(cells.value(cell))) place->second.push_back(cells.value(cell));
  }
  return gathered;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? std::nan("") : sum / static_cast<double>(values.size());
}

std::string percent(double share) {
  if (std::isnan(share)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", 100 * share);
  return text;
}

// "97.94" of one value, "97.94 +- 0.12" (95% interval of the mean) of several.
std::string percent(const std::vector<double>& shares) {
  if (shares.size() < 2) return percent(mean(shares));
  const auto summary = watermark::summarise(shares);
  return percent(summary.mean) + " +- " + percent((summary.interval.high - summary.interval.low) / 2);
}

std::vector<std::string> without(std::vector<std::string> names, const std::vector<std::string>& removed) {
  std::erase_if(names, [&](const std::string& name) { return std::find(removed.begin(), removed.end(), name) != removed.end(); });
  return names;
}

// One row a combination of `dimensions`, one column a variable; means over what is left.
Table means_table(const store::Group& group, const std::string& title, const std::vector<std::string>& dimensions,
                  const std::vector<std::pair<std::string, std::string>>& variables) {
  Table table{title, dimensions, {}, {}};
  std::vector<Gathered> columns;
  for (const auto& [name, heading] : variables) {
    table.columns.push_back(heading);
    columns.push_back(gather_by(Cells(group, name), dimensions));
  }
  for (const auto& key : columns.front().keys) {
    auto row = key;
    for (const Gathered& column : columns) row.push_back(percent(column.values.at(key)));
    table.rows.push_back(std::move(row));
  }
  return table;
}

const std::vector<std::pair<std::string, std::string>> measured_columns = {
    {"accuracy", "test %"},
    {"key_accuracy", "new keys %"},
    {"key_accuracy_trained", "trained keys %"},
    {"key_accuracy_wrong_secret", "wrong secret %"},
};

Table overview(const store::Group& root) {
  Table table{text_of(root, "title").empty() ? "Study" : text_of(root, "title"), {"", ""}, {}, {}};
  const std::string tasks = text_of(root, "tasks_done") + " done, " + text_of(root, "tasks_failed") + " failed, " + text_of(root, "tasks_open") + " open";
  table.rows = {{"experiment", text_of(root, "experiment")},
                {"data set", text_of(root, "dataset") + " (" + one_line(text_of(root, "dataset_source")) + ")"},
                {"tasks", tasks},
                {"program", text_of(root, "program_version") + " (" + text_of(root, "git") + ")"}};
  if (const store::Group* environments = root.child("environments")) {
    const std::string trainer = text_of(*environments, "training_environment");
    table.rows.push_back({"trained on", trainer.empty() ? text_of(*environments, "training_rule") : trainer});
  }
  if (is_true(root, "dataset_generated")) table.notes.push_back("Generated data: these figures are no reproduction of the paper's.");
  if (!is_true(root, "reproducible")) table.notes.push_back("train-on = any: these figures are not reproducible bit for bit.");
  if (!is_true(root, "complete")) table.notes.push_back("Not complete: open cells are shown as -.");
  return table;
}

// Fig. 3: accuracies over the grid, means over the repeats.
Table grid_table(const store::Group& train) {
  const Cells cells(train, "accuracy");
  Table table = means_table(train, "Accuracy over the grid (Zhong et al. 2020, Fig. 3)", without(cells.dimensions(), {"repeat"}), measured_columns);
  table.notes = {"Means over the repeats, +- the half-width of their 95% interval. Clean: how often the network without a",
                 "watermark answers the rival's label; a new label it cannot answer at all."};
  return table;
}

// Sec. 3.2 and 4.2: how many queries a proof takes.
Table query_table(const store::Group& train) {
  const Cells cells(train, "key_accuracy");
  const auto dimensions = without(cells.dimensions(), {"repeat"});
  Table table{"Queries for a proof (Zhong et al. 2020, Sec. 3.2 and 4.2)", dimensions, {}, {}};
  table.columns.insert(table.columns.end(), {"E[q]", "queries for 90%"});
  const Gathered expected = gather_by(Cells(train, "expected_queries"), dimensions), queries = gather_by(Cells(train, "queries_for_90"), dimensions);
  for (const auto& key : expected.keys) {
    if (std::find(key.begin(), key.end(), "clean") != key.end()) continue;
    auto row = key;
    const double e = mean(expected.values.at(key)), q = mean(queries.values.at(key));
    row.push_back(std::isnan(e) ? "-" : shortest(e));
    row.push_back(std::isnan(q) ? "-" : shortest(q));
    table.rows.push_back(std::move(row));
  }
  table.notes = {"From the measured share of new keys recognised. The paper says E[q] = 2 and 40 queries for p = 0.8, tau = 0.3; its",
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
    {"mnist", "new-label", "0.0035", 97.94, 99.89},    {"mnist", "noise-backdoor", "0.0035", 97.88, 99.61},
    {"cifar-10", "new-label", "0.01", 87.46, 99.78},   {"cifar-10", "noise-backdoor", "0.01", 86.62, 99.95},
    {"cifar-100", "new-label", "0.01", 59.32, 100},    {"cifar-100", "noise-backdoor", "0.01", 59.09, 100},
};

// Published beside measured, where the grid holds the point. Never for generated data.
Table published_table(const store::Group& root, const store::Group& train) {
  Table table{"Table 1 of Zhong et al. 2020, before fine-tuning (alpha = 0.01)", {}, {}, {}};
  const std::string dataset = text_of(root, "dataset");
  const Cells accuracy(train, "accuracy");
  const auto dimensions = without(accuracy.dimensions(), {"repeat"});
  table.columns = dimensions;
  table.columns.insert(table.columns.end(), {"test %: paper", "measured", "difference", "new keys %: paper", "measured", "difference"});
  const Gathered normal = gather_by(accuracy, dimensions), key = gather_by(Cells(train, "key_accuracy"), dimensions);
  const auto place = [&](const char* name) { return static_cast<std::size_t>(std::find(dimensions.begin(), dimensions.end(), name) - dimensions.begin()); };
  for (const auto& labels : normal.keys)
    for (const Published& p : table_1) {
      if (dataset != p.dataset || labels[place("scheme")] != p.method || labels[place("alpha")] != "0.01" || labels[place("beta")] != p.beta) continue;
      auto row = labels;
      for (const auto& [published, values] : {std::pair(p.normal, &normal.values.at(labels)), std::pair(p.key, &key.values.at(labels))}) {
        char number[32], difference[32];
        std::snprintf(number, sizeof number, "%.2f", published);
        std::snprintf(difference, sizeof difference, "%+.2f", 100 * mean(*values) - published);
        row.insert(row.end(), {number, percent(*values), std::isnan(mean(*values)) ? "-" : difference});
      }
      table.rows.push_back(std::move(row));
    }
  return table;
}

// What the paper's text states of Fig. 3 and can be compared.
Table statements_table(const store::Group& train) {
  Table table{"What the text states of Fig. 3", {"scheme", "reading", "statement", "measured"}, {}, {}};
  const std::vector<std::string> dimensions = {"scheme", "reading", "alpha", "beta"};
  const Gathered key = gather_by(Cells(train, "key_accuracy"), dimensions), normal = gather_by(Cells(train, "accuracy"), dimensions);
  std::set<std::pair<std::string, std::string>> schemes;
  std::vector<double> clean;
  for (const auto& labels : normal.keys) {
    if (labels[0] == "clean") clean.insert(clean.end(), normal.values.at(labels).begin(), normal.values.at(labels).end());
    else schemes.emplace(labels[0], labels[1]);
  }
  for (const auto& [method, reading] : schemes) {
    std::size_t rises = 0, pairs = 0;
    std::string enough;
    double enough_alpha = 0, least_beta = 0;
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
      const double beta = std::stod(a[3]), alpha = std::stod(a[2]);
      if (mean(key.values.at(a)) >= 0.8 && (enough.empty() || beta < least_beta || (beta == least_beta && alpha < enough_alpha))) {
        least_beta = beta;
        enough_alpha = alpha;
        enough = "beta " + a[3] + " with alpha " + a[2];
      }
    }
    if (pairs > 0) table.rows.push_back({method, reading, "key accuracy rises with beta", std::to_string(rises) + " of " + std::to_string(pairs) + " pairs of one alpha"});
    table.rows.push_back({method, reading, "80% of new keys (paper: beta 0.001, alpha 0.006; rival above 0.009)", enough.empty() ? "nowhere on this grid" : "weakest: " + enough});
    if (!clean.empty() && !accuracies.empty())
      table.rows.push_back({method, reading, "test accuracy stays at the clean network's", percent(mean(accuracies)) + " against " + percent(mean(clean))});
  }
  return table;
}

// Fig. 4: means over alpha, beta and repeats.
Table prune_table(const store::Group& prune) {
  const Cells cells(prune, "accuracy");
  Table table = means_table(prune, "Pruning (Zhong et al. 2020, Fig. 4)", without(cells.dimensions(), {"repeat", "alpha", "beta"}), measured_columns);
  table.notes = {"Means over alpha, beta and repeats, +- the half-width of their 95% interval."};
  return table;
}

// Of every batch size, the environments whose answers have the same bits.
Table predict_table(const store::Group& predict) {
  Table table{"Which environments fall together (bit-identical logits of one model on the same images)", {"environment"}, {}, {}};
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

std::string render_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = " ";
    for (std::size_t i = 0; i < cells.size(); ++i) text += " " + cells[i] + std::string(widths[i] - cells[i].size() + 1, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text = table.title + "\n";
  const bool headed = std::any_of(table.columns.begin(), table.columns.end(), [](const std::string& c) { return !c.empty(); });
  if (headed) {
    text += line(table.columns);
    std::vector<std::string> rule;
    for (const std::size_t width : widths) rule.emplace_back(width, '-');
    text += line(rule);
  }
  for (const auto& row : table.rows) text += line(row);
  for (const std::string& note : table.notes) text += "  " + note + "\n";
  return text + "\n";
}

std::string render_markdown(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + cell + " |";
    return text + "\n";
  };
  std::string text = "## " + table.title + "\n\n" + line(table.columns) + line(std::vector<std::string>(table.columns.size(), "---"));
  for (const auto& row : table.rows) text += line(row);
  text += "\n";
  for (const std::string& note : table.notes) text += note + "\n";
  return text + (table.notes.empty() ? "" : "\n");
}

// RFC 4180; every line begins with the table's title, so that one file holds them all.
std::string render_csv(const Table& table) {
  const auto field = [](const std::string& cell) {
    if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
    std::string quoted = "\"";
    for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
  };
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells) {
    text += field(table.title);
    for (const std::string& cell : cells) text += "," + field(cell);
    text += "\r\n";
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
  return text;
}

}  // namespace

TableFormat parse_format(const std::string& name) {
  if (name == "text") return TableFormat::text;
  if (name == "markdown") return TableFormat::markdown;
  if (name == "csv") return TableFormat::csv;
  throw InputError("there is no format " + name + ": text, markdown or csv");
}

std::vector<Table> report(const store::Group& root) {
  if (text_of(root, "format") != results_format) throw Error("this is no results file of telltale");
  if (text_of(root, "format_version") != std::to_string(results_version))
    throw Error("results of format version " + text_of(root, "format_version") + "; this program knows version " + std::to_string(results_version));
  std::vector<Table> tables = {overview(root)};
  if (const store::Group* train = root.child("train")) {
    tables.push_back(grid_table(*train));
    tables.push_back(query_table(*train));
    if (!is_true(root, "dataset_generated")) {
      Table published = published_table(root, *train);
      if (!published.rows.empty()) tables.push_back(std::move(published));
      tables.push_back(statements_table(*train));
    }
  }
  if (const store::Group* prune = root.child("prune")) tables.push_back(prune_table(*prune));
  if (const store::Group* predict = root.child("predict")) tables.push_back(predict_table(*predict));
  return tables;
}

std::string render(const std::vector<Table>& tables, TableFormat format) {
  std::string text;
  for (const Table& table : tables)
    text += format == TableFormat::text ? render_text(table) : format == TableFormat::markdown ? render_markdown(table) : render_csv(table);
  return text;
}

}  // namespace telltale::study
