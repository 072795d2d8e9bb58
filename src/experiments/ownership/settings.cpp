#include "experiments/ownership/settings.h"

#include "study/axis.h"

namespace telltale::experiments {

using study::CaseValues;
using study::Job;

Json value_of(const Parameter& parameter, const CaseValues& values) {
  if (parameter.list) {
    Json list = Json::array();
    for (const std::string& value : values.job().values(parameter.name)) list.push_back(study::parse_integer(value));
    return list;
  }
  switch (parameter.type) {
    case ValueType::number: return values.number(parameter.name);
    case ValueType::integer: return values.integer(parameter.name);
    case ValueType::flag: return values.flag(parameter.name);
    case ValueType::text:
    case ValueType::choice: break;
  }
  return values.text(parameter.name);
}

std::vector<std::string> names_of(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

Json attack_settings(const watermark::Attack& attack, const CaseValues& values) {
  Json settings = {{"name", attack.name()}};
  for (const Parameter& parameter : attack.parameters()) settings[parameter.field_name()] = value_of(parameter, values);
  return settings;
}

bool is_on(const watermark::Attack& attack, const Job& job) {
  const std::string key = attack.switched_on_by();
  return key.empty() || job.is_set(key);
}

}  // namespace telltale::experiments
