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
  const std::size_t place = position(key);
  for (const Axis& axis : grid_.axes_)
    if (axis.key == key) return axis.values[place];
  throw Error("the grid has no axis " + key);
}

std::size_t Grid::Point::position(const std::string& key) const {
  std::size_t rest = index_;
  for (auto axis = grid_.axes_.rbegin(); axis != grid_.axes_.rend(); ++axis) {
    if (axis->key == key) return rest % axis->values.size();
    rest /= axis->values.size();
  }
  throw Error("the grid has no axis " + key);
}

std::size_t Grid::Point::leading(std::size_t axes) const {
  std::size_t number = index_;
  for (std::size_t i = grid_.axes_.size(); i > axes; --i) number /= grid_.axes_[i - 1].values.size();
  return number;
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

Axis counted_axis(const std::string& name, std::int64_t count, std::int64_t first, const std::string& help) {
  Axis axis{name, name, help.empty() ? name + ", counted from 0" : help, ValueType::integer, {}};
  for (std::int64_t i = 0; i < count; ++i) axis.values.push_back(std::to_string(first + i));
  return axis;
}

Axis named_axis(const std::string& name, const std::string& help, std::vector<std::string> values) {
  return {name, name, help, ValueType::text, std::move(values)};
}

Axis second(Axis axis, const std::string& help) {
  axis.key += "_2";
  axis.dimension += "_2";
  axis.help = help;
  return axis;
}

Grid operator*(const Grid& first, const Grid& second) {
  std::vector<Axis> axes = first.axes();
  axes.insert(axes.end(), second.axes().begin(), second.axes().end());
  return Grid(std::move(axes));
}

double CaseValues::number(const std::string& key) const { return parse_number(text(key)); }
long long CaseValues::integer(const std::string& key) const { return parse_integer(text(key)); }

}  // namespace telltale::study
