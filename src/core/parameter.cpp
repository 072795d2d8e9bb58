#include "core/parameter.h"

#include <algorithm>

#include "core/text.h"

namespace telltale {
namespace {

std::string plain(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string underscored(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

}  // namespace

std::string Parameter::type_text() const {
  std::string text;
  switch (type) {
    case ValueType::text: text = "text"; break;
    case ValueType::flag: text = "yes or no"; break;
    case ValueType::choice: text = "one of " + joined(choices); break;
    case ValueType::integer: text = "integer, " + plain(least) + " to " + plain(most); break;
    case ValueType::number:
      text = "number, " + (least > 0 && least < 1e-5 ? std::string("above 0") : plain(least)) + " to " + plain(most);
      break;
  }
  if (axis != AxisRule::never || list) text += "; a list";
  return text;
}

std::string Parameter::dimension_name() const { return dimension.empty() ? underscored(name) : dimension; }

std::string Parameter::field_name() const { return field.empty() ? underscored(name) : field; }

}  // namespace telltale
