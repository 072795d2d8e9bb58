#include "study/grid.h"

#include "core/error.h"
#include "study/axis.h"

namespace telltale::study {

std::size_t Grid::size() const {
  std::size_t size = 1;
  for (const Axis& axis : axes_) size *= axis.values.size();
  return size;
}

std::vector<std::int64_t> Grid::shape() const {
  std::vector<std::int64_t> shape;
  for (const Axis& axis : axes_) shape.push_back(static_cast<std::int64_t>(axis.values.size()));
  return shape;
}

std::vector<std::string> Grid::dimensions() const {
  std::vector<std::string> names;
  for (const Axis& axis : axes_) names.push_back(axis.dimension);
  return names;
}

bool Grid::has(const std::string& key) const {
  for (const Axis& axis : axes_)
    if (axis.key == key) return true;
  return false;
}

const std::string& Grid::Point::text(const std::string& key) const {
  std::size_t rest = index_;
  for (auto axis = grid_.axes_.rbegin(); axis != grid_.axes_.rend(); ++axis) {
    const std::size_t here = rest % axis->values.size();
    if (axis->key == key) return axis->values[here];
    rest /= axis->values.size();
  }
  throw Error("the grid has no axis " + key);
}

double Grid::Point::number(const std::string& key) const { return parse_number(text(key)); }
long long Grid::Point::integer(const std::string& key) const { return parse_integer(text(key)); }

std::string Grid::Point::label() const {
  std::string label;
  for (const Axis& axis : grid_.axes_) label += (label.empty() ? "" : ", ") + axis.dimension + "=" + text(axis.key);
  return label;
}

void Grid::declare(store::Group& group) const {
  for (const Axis& axis : axes_) {
    const std::string name = axis.dimension;
    const auto count = static_cast<std::int64_t>(axis.values.size());
    group.dimensions.push_back({name, count});
    store::Variable coordinate;
    coordinate.name = name;
    coordinate.dimensions = {name};
    coordinate.attributes = {{"long_name", axis.help}};
    if (axis.type == ValueType::number) {
      std::vector<double> values;
      for (const std::string& value : axis.values) values.push_back(parse_number(value));
      coordinate.data = Array::of<double>({count}, values);
    } else if (axis.type == ValueType::integer) {
      std::vector<std::int64_t> values;
      for (const std::string& value : axis.values) values.push_back(parse_integer(value));
      coordinate.data = Array::of<std::int64_t>({count}, values);
    } else {
      coordinate.data = axis.values;
    }
    group.variables.push_back(std::move(coordinate));
  }
}

Axis counted_axis(const std::string& name, std::int64_t count) {
  Axis axis{name, name, name + ", counted from 0", ValueType::integer, {}};
  for (std::int64_t i = 0; i < count; ++i) axis.values.push_back(std::to_string(i));
  return axis;
}

std::string value_of(const Job& job, const Grid::Point& point, const Grid& grid, const std::string& key) {
  return grid.has(key) ? point.text(key) : job.text(key);
}

}  // namespace telltale::study
