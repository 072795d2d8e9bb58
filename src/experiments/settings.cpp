#include "experiments/settings.h"

#include "experiments/training.h"
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
  for (const Parameter& parameter : attack.parameters())
    if (parameter.name != attack.attempts_key()) settings[parameter.field_name()] = value_of(parameter, values);
  return settings;
}

void add_attack_subjects(std::vector<forensics::Subject>& subjects,
                         const std::vector<const watermark::Attack*>& attacks, const models::NetworkSpec& network,
                         const Job& job) {
  for (const watermark::Attack* attack : attacks) {
    if (!is_on(*attack, job)) continue;
    const Grid grid(job.axes_of(names_of(attack->parameters())));
    for (std::size_t index = 0; index < grid.size(); ++index) {
      const auto training =
          attack->training(attack_settings(*attack, CaseValues(job, grid.point(index))), test_images(job));
      if (training.images > 0) add_training_subjects(subjects, network, training.batch, 1, training.images);
    }
  }
}

bool is_on(const watermark::Attack& attack, const Job& job) {
  const std::string key = attack.switched_on_by();
  return key.empty() || (key == attack.attempts_key() ? job.integer(key) > 0 : job.is_set(key));
}

}  // namespace telltale::experiments
