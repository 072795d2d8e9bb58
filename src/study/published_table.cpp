#include "study/published_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "study/cells.h"
#include "watermark/verification.h"

namespace telltale::study {
namespace {

// The label at a place of a dimension, numbers with all their digits.
Json label_at(const store::Group& group, const std::string& dimension, std::size_t place) {
  const store::Variable* coordinate = group.find_variable(dimension);
  if (coordinate == nullptr) return place;
  if (const auto* strings = std::get_if<std::vector<std::string>>(&coordinate->data)) return strings->at(place);
  return number_at(coordinate->numbers(), place);
}

std::string text_of_label(const Json& label) {
  if (label.is_null()) return "-";
  return label.is_string() ? label.get<std::string>() : shortest(label.get<double>());
}

// NaN where the variable says that there is no value.
double value_at(const store::Variable& variable, std::size_t cell) {
  const double value = number_at(variable.numbers(), cell);
  return variable.fill && number_at(*variable.fill, 0) == value ? std::nan("") : value;
}

bool is_share(const PublishedRow& row) { return row.unit == "1"; }

std::string written(double value, const PublishedRow& row) {
  if (std::isnan(value)) return "-";
  return is_share(row) ? percent(value) : shortest(value);
}

std::string signed_text(double difference, const PublishedRow& row) {
  if (std::isnan(difference)) return "-";
  char text[32];
  if (is_share(row))
    std::snprintf(text, sizeof text, "%+.2f", 100 * difference);
  else
    std::snprintf(text, sizeof text, "%+.6g", difference);
  return text;
}

std::string paper_text(const PublishedRow& row) {
  const char* sign = row.bound == "above" ? "> " : row.bound == "below" ? "< " : row.bound == "about" ? "about " : "";
  return sign + written(row.value, row);
}

// Paper, measured, difference, interval, n.
std::vector<std::string> comparison(const PublishedRow& row, const MeasuredPoint& point, const std::string& mark) {
  std::vector<std::string> cells{paper_text(row) + mark, "-", "-", "-", std::to_string(point.repeats.size())};
  if (point.repeats.empty()) return cells;
  const auto summary = watermark::summarise(point.repeats);
  cells[1] = written(summary.mean, row);
  cells[2] = signed_text(summary.mean - row.value, row);
  if (summary.count > 1) cells[3] = written(summary.interval.low, row) + " to " + written(summary.interval.high, row);
  return cells;
}

// "Table 3, accuracy: scheme content, pruning_rate 0.9".
std::string named(const PublishedRow& row, const MeasuredPoint& point) {
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : row.coordinates.items())
    if (!value.is_null()) labels[key] = text_of_label(value);
  for (const auto& [dimension, label] : point.labels) labels[dimension] = label;
  std::string text;
  for (const auto& [name, label] : labels) text += (text.empty() ? ": " : ", ") + name + " " + label;
  return row.table + ", " + row.measure + text;
}

Comparison compared(const PublishedRow& row, const MeasuredPoint& point) {
  std::string setting;
  for (const auto& [dimension, label] : point.labels)
    setting += (setting.empty() ? "" : ", ") + dimension + " " + label;
  Comparison one{row.paper,         row.number,    row.table, std::move(setting),
                 named(row, point), is_share(row), row.unit,  row.value};
  one.measured = one.low = one.high = std::nan("");
  one.repeats = point.repeats.size();
  one.is_bound = row.bound == "above" || row.bound == "below";
  for (const std::string& reason : {row.erratum, row.finding})
    if (!reason.empty()) one.reasons.push_back(reason);
  if (point.repeats.empty()) return one;
  const auto summary = watermark::summarise(point.repeats);
  one.measured = summary.mean;
  if (summary.count > 1) {
    one.low = summary.interval.low;
    one.high = summary.interval.high;
  }
  return one;
}

// A line of the table before it is laid out: what it says by column.
struct Line {
  const PublishedRow* row;
  std::map<std::string, std::string> labels;
  bool in_study;
  MeasuredPoint point;
};

std::vector<Line> lines_of(const std::vector<PublishedRow>& rows, const Measured& measured, NotInStudy absent) {
  std::vector<Line> lines;
  for (const PublishedRow& row : rows) {
    std::vector<MeasuredPoint> points = measured(row);
    const bool in_study = !points.empty();
    if (!in_study && absent == NotInStudy::shown) points.emplace_back();
    for (MeasuredPoint& point : points) {
      Line line{&row, {}, in_study, std::move(point)};
      for (const auto& [key, value] : row.coordinates.items()) line.labels[key] = text_of_label(value);
      for (const auto& [dimension, label] : line.point.labels) line.labels[dimension] = label;
      line.labels["source"] = row.table;
      line.labels["measure"] = row.measure;
      line.labels["unit"] = is_share(row) ? "%" : row.unit;
      line.labels["origin"] = row.origin;
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

// What the lines say, in the order in which it appears.
std::vector<std::string> columns_of(const std::vector<Line>& lines) {
  std::vector<std::string> columns{"source", "measure"};
  const auto add = [&](const std::string& name) {
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  };
  for (const Line& line : lines)
    for (const auto& [name, label] : line.labels)
      if (name != "unit" && name != "origin") add(name);
  add("origin");
  add("unit");
  return columns;
}

// Takes what all lines say alike out of the columns and says it once: "alpha 0.01, dataset mnist".
std::string said_by_all(const std::vector<Line>& lines, std::vector<std::string>& columns) {
  std::string text;
  std::erase_if(columns, [&](const std::string& name) {
    std::set<std::string> said;
    for (const Line& line : lines) said.insert(line.labels.contains(name) ? line.labels.at(name) : "");
    if (said.size() > 1 || name == "measure" || name == "unit") return false;
    text += (text.empty() ? "" : ", ") + name + " " + *said.begin();
    return true;
  });
  return text;
}

}  // namespace

std::vector<MeasuredPoint> ResultsView::operator()(const PublishedRow& row) const {
  const store::Variable* variable = group.find_variable(row.measure);
  if (variable == nullptr || !std::holds_alternative<Array>(variable->data)) return {};
  const auto& dimensions = variable->dimensions;
  for (const auto& [key, value] : row.coordinates.items()) {
    const bool is_dimension = std::find(dimensions.begin(), dimensions.end(), key) != dimensions.end();
    if (is_dimension || value.is_null() || free.contains(key)) continue;
    if (!constants.contains(key) || !same_coordinate(constants.at(key), value)) return {};
  }
  // How each dimension is walked.
  enum class Use { fixed, repeat, any, open };
  std::vector<Use> uses;
  std::vector<std::size_t> sizes;
  for (const std::string& dimension : dimensions) {
    sizes.push_back(static_cast<std::size_t>(group.find_dimension(dimension)->size));
    const bool named = row.coordinates.contains(dimension) && !free.contains(dimension);
    uses.push_back(!named                                    ? (dimension == "repeat" ? Use::repeat : Use::open)
                   : row.coordinates.at(dimension).is_null() ? Use::any
                                                             : Use::fixed);
  }
  // Points by their open labels' places; of each the repeats by the places along dimensions without a meaning.
  std::map<std::vector<std::size_t>, std::map<std::vector<std::size_t>, std::vector<double>>> found;
  std::vector<std::size_t> place(dimensions.size());
  for (std::size_t cell = 0; cell < variable->numbers().elements(); ++cell) {
    std::size_t rest = cell;
    for (std::size_t d = dimensions.size(); d-- > 0; rest /= sizes[d]) place[d] = rest % sizes[d];
    std::vector<std::size_t> open, any;
    bool here = true;
    for (std::size_t d = 0; d < dimensions.size() && here; ++d) {
      if (uses[d] == Use::fixed)
        here = same_coordinate(label_at(group, dimensions[d], place[d]), row.coordinates.at(dimensions[d]));
      if (uses[d] == Use::open) open.push_back(place[d]);
      if (uses[d] == Use::any) any.push_back(place[d]);
    }
    if (!here) continue;
    auto& repeats = found[open][any];
    if (const double value = value_at(*variable, cell); !std::isnan(value)) repeats.push_back(value);
  }
  std::vector<MeasuredPoint> points;
  for (const auto& [open, choices] : found) {
    MeasuredPoint point;
    std::size_t next = 0;
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      if (uses[d] == Use::open)
        point.labels.emplace_back(dimensions[d], text_of_label(label_at(group, dimensions[d], open[next++])));
    for (const auto& [any, repeats] : choices)
      if (point.repeats.empty()) point.repeats = repeats;
    points.push_back(std::move(point));
  }
  return points;
}

Json settings_of(const store::Group& root) {
  Json settings = Json::object();
  const std::string text = text_of(root, "settings");
  const Json all = text.empty() ? Json::object() : Json::parse(text);
  for (const auto& [key, value] : all.items()) {
    const Json one = value.is_array() && value.size() == 1 ? value.front() : value;
    if (!one.is_string() && !one.is_number()) continue;
    std::string name = key;
    std::replace(name.begin(), name.end(), '-', '_');
    settings[name] = one;
  }
  settings["dataset"] = text_of(root, "dataset");
  return settings;
}

Table published_table(const std::string& title, const std::vector<PublishedRow>& rows, const Measured& measured,
                      NotInStudy absent) {
  Table table{title, {}, {}, {}};
  const std::vector<Line> lines = lines_of(rows, measured, absent);
  if (lines.empty()) return table;
  std::vector<std::string> columns = columns_of(lines);
  const std::string everywhere = said_by_all(lines, columns);
  table.columns = columns;
  table.columns.insert(table.columns.end(), {"paper", "measured", "difference", "95% interval", "n"});
  for (const Line& line : lines) {
    std::string mark;
    if (!line.row->erratum.empty()) {
      auto place = std::find(table.notes.begin(), table.notes.end(), line.row->erratum);
      if (place == table.notes.end()) place = table.notes.insert(place, line.row->erratum);
      mark = " [" + std::to_string(place - table.notes.begin() + 1) + "]";
    }
    std::vector<std::string> cells;
    for (const std::string& column : columns)
      cells.push_back(line.labels.contains(column) ? line.labels.at(column) : "");
    const auto beside = comparison(*line.row, line.point, mark);
    cells.insert(cells.end(), beside.begin(), beside.end());
    if (line.in_study) table.comparisons.push_back(compared(*line.row, line.point));
    if (!line.in_study) {
      cells[cells.size() - 4] = "not in this study";
      cells.back() = "-";
    }
    table.rows.push_back(std::move(cells));
  }
  for (std::size_t i = 0; i < table.notes.size(); ++i) table.notes[i].insert(0, "[" + std::to_string(i + 1) + "] ");
  if (!everywhere.empty()) table.notes.insert(table.notes.begin(), "All rows: " + everywhere + ".");
  return table;
}

void add_published_table(std::vector<Table>& tables, const std::string& title, const std::vector<PublishedRow>& rows,
                         const store::Group& root, const store::Group* group, const Json& more) {
  if (group == nullptr) return;
  Json settings = settings_of(root);
  settings.update(more);
  Table table = published_table(title, rows, ResultsView{*group, std::move(settings)});
  if (!table.rows.empty()) tables.push_back(std::move(table));
}

std::string cited(const PublishedRow& row) {
  std::string at;
  for (const auto& [key, value] : row.coordinates.items())
    at += (at.empty() ? " at " : ", ") + key + " " + text_of_label(value);
  return row.table + ": " + row.measure + " " + paper_text(row) + (is_share(row) ? "%" : " " + row.unit) + at + "." +
         (row.erratum.empty() ? "" : " " + row.erratum);
}

Table errata_table(const PublishedPaper& paper) {
  Table table{"Errata of the paper", {"where", "the paper", "what we found"}, {}, {paper.citation}};
  for (const PublishedErratum& erratum : paper.errata)
    table.rows.push_back({erratum.source, erratum.statement, erratum.finding});
  return table;
}

}  // namespace telltale::study
