#include "experiments/settings.h"

#include "core/error.h"
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

Json untouched() { return {{"name", "none"}}; }

Grid attack_grid(const watermark::Attack& attack, const Grid& cases, const Job& job) {
  const Grid grid = cases * Grid(job.axes_of(names_of(attack.parameters())));
  const std::string attempts = attack.attempts_key();
  if (attempts.empty()) return grid;
  return grid * Grid({study::counted_axis(attempt_axis, job.integer(attempts), 0, "try of the attack")});
}

std::optional<Json> attack_settings(const watermark::Attack& attack, const Job& job, const Grid::Point& point) {
  const CaseValues values(job, point);
  Json settings = {{"name", attack.name()}};
  for (const Parameter& parameter : attack.parameters())
    if (parameter.name != attack.attempts_key()) settings[parameter.field_name()] = value_of(parameter, values);
  for (const std::string& name : attack.parts(settings)) {
    const watermark::Attack& part = watermark::attack_named(name);
    if (!is_on(part, job))
      job.refuse(attack.switched_on_by(), name + " takes no place without `" + part.switched_on_by() + "`");
    const Grid grid(job.axes_of(names_of(part.parameters())));
    const std::optional<Json> made = attack_settings(part, job, grid.point(grid.size() - 1));
    if (!made) return {};
    settings["parts"].push_back(*made);
  }
  if (!attack.has_meaning(settings)) return {};
  if (point.has(attempt_axis)) settings[attempt_axis] = point.integer(attempt_axis);
  return attack.changes_nothing(settings) ? untouched() : settings;
}

void add_attack_subjects(std::vector<forensics::Subject>& subjects,
                         const std::vector<const watermark::Attack*>& attacks, const models::NetworkSpec& network,
                         const Job& job) {
  for (const watermark::Attack* attack : attacks) {
    if (!is_on(*attack, job)) continue;
    const Grid grid(job.axes_of(names_of(attack->parameters())));
    for (std::size_t index = 0; index < grid.size(); ++index) {
      const std::optional<Json> done = attack_settings(*attack, job, grid.point(index));
      if (!done || *done == untouched()) continue;
      const auto training = attack->training(*done, test_images(job));
      if (training.images == 0) continue;
      const models::NetworkSpec other{training.network, network.input, network.classes, {}};
      try {
        if (!training.network.empty()) models::check(other);
      } catch (const InputError& error) {
        job.refuse(attack->switched_on_by(), error.what());
      }
      add_training_subjects(subjects, training.network.empty() ? network : other, training.batch, 1, training.images);
    }
  }
}

bool is_on(const watermark::Attack& attack, const Job& job) {
  const std::string key = attack.switched_on_by();
  return key.empty() || (key == attack.attempts_key() ? job.integer(key) > 0 : job.is_set(key));
}

}  // namespace telltale::experiments
