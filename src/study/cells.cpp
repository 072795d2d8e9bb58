#include "study/cells.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "watermark/verification.h"

namespace telltale::study {
namespace {

const store::Variable& required(const store::Group& group, const std::string& name) {
  const store::Variable* variable = group.find_variable(name);
  if (variable == nullptr) throw Error("the group " + group.name + " of the results has no variable " + name);
  return *variable;
}

}  // namespace

std::string text_of(const store::Group& group, const char* name) {
  const store::Attribute* attribute = group.find_attribute(name);
  if (attribute == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&attribute->value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&attribute->value)) return std::to_string(*number);
  return "";
}

bool is_true(const store::Group& group, const char* name) { return text_of(group, name) == "1"; }

double number_at(const Array& array, std::size_t element) {
  switch (array.dtype) {
    case DType::float32: return static_cast<double>(array.as<float>()[element]);
    case DType::float64: return array.as<double>()[element];
    case DType::int32: return array.as<std::int32_t>()[element];
    case DType::int64: return static_cast<double>(array.as<std::int64_t>()[element]);
    case DType::uint8: return array.as<std::uint8_t>()[element];
  }
  throw Error("an array of an unknown type");
}

double number_in(const store::Group& group, const std::string& name, std::size_t element) {
  const store::Variable* variable = group.find_variable(name);
  return variable == nullptr ? std::nan("") : number_at(variable->numbers(), element);
}

std::size_t length_of(const store::Group& group, const std::string& name) {
  const store::Dimension* dimension = group.find_dimension(name);
  return dimension == nullptr ? 0 : static_cast<std::size_t>(dimension->size);
}

Cells::Cells(const store::Group& group, const std::string& name) : group_(group), variable_(required(group, name)) {
  for (const std::string& dimension : variable_.dimensions)
    sizes_.push_back(static_cast<std::size_t>(group_.find_dimension(dimension)->size));
}

std::map<std::string, std::string> Cells::labels(std::size_t cell) const {
  std::map<std::string, std::string> labels;
  for (std::size_t d = sizes_.size(); d-- > 0;) {
    labels[variable_.dimensions[d]] = label(variable_.dimensions[d], cell % sizes_[d]);
    cell /= sizes_[d];
  }
  return labels;
}

std::string Cells::label(const std::string& dimension, std::size_t position) const {
  const store::Variable* coordinate = group_.find_variable(dimension);
  if (coordinate == nullptr) return std::to_string(position);
  if (const auto* strings = std::get_if<std::vector<std::string>>(&coordinate->data)) return strings->at(position);
  const Array& numbers = coordinate->numbers();
  if (numbers.dtype == DType::float64) return shortest(numbers.as<double>()[position]);
  return std::to_string(numbers.as<std::int64_t>()[position]);
}

std::map<std::string, double> task_seconds(const store::Group& root) {
  std::map<std::string, double> seconds;
  const store::Group *tasks = root.child("tasks"), *run = root.child("run");
  if (tasks == nullptr || run == nullptr) return seconds;
  const auto& names = tasks->find_variable("identity")->strings();
  const auto measured = run->find_variable("seconds")->numbers().as<double>();
  for (std::size_t i = 0; i < names.size(); ++i) seconds[names[i]] = measured[i];
  return seconds;
}

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

std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string decimals(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double share) {
  if (std::isnan(share)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", 100 * share);
  return text;
}

std::string percent(const std::vector<double>& shares) {
  if (shares.size() < 2) return percent(mean(shares));
  const auto summary = watermark::summarise(shares);
  return percent(summary.mean) + " +- " + percent((summary.interval.high - summary.interval.low) / 2);
}

std::vector<std::string> without(std::vector<std::string> names, const std::vector<std::string>& removed) {
  std::erase_if(
      names, [&](const std::string& name) { return std::find(removed.begin(), removed.end(), name) != removed.end(); });
  return names;
}

Gathered gather_repeats(const Cells& cells, const std::vector<std::string>& dimensions) {
  const auto& all = cells.dimensions();
  if (std::find(all.begin(), all.end(), "repeat") == all.end() ||
      std::find(dimensions.begin(), dimensions.end(), "repeat") != dimensions.end())
    return gather_by(cells, dimensions);
  std::vector<std::string> with_repeat = dimensions;
  with_repeat.emplace_back("repeat");
  const Gathered single = gather_by(cells, with_repeat);
  Gathered gathered;
  for (std::vector<std::string> key : single.keys) {
    const double of_repeat = mean(single.values.at(key));
    key.pop_back();
    auto [place, is_new] = gathered.values.try_emplace(key);
    if (is_new) gathered.keys.push_back(key);
    if (!std::isnan(of_repeat)) place->second.push_back(of_repeat);
  }
  return gathered;
}

std::string as_percent(const std::vector<double>& shares) { return percent(shares); }

Table means_table(const store::Group& group, const std::string& title, const std::vector<std::string>& dimensions,
                  const std::vector<std::pair<std::string, std::string>>& variables, const Written& written) {
  Table table{title, dimensions, {}, {}};
  std::vector<Gathered> columns;
  for (const auto& [name, heading] : variables) {
    table.columns.push_back(heading);
    columns.push_back(gather_repeats(Cells(group, name), dimensions));
  }
  for (const auto& key : columns.front().keys) {
    auto row = key;
    for (const Gathered& column : columns) row.push_back(written(column.values.at(key)));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace telltale::study
