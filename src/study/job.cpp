#include "study/job.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "core/assignments.h"
#include "core/error.h"
#include "core/text.h"
#include "core/utf8.h"
#include "study/axis.h"
#include "study/environments.h"
#include "study/experiment.h"

namespace telltale::study {
namespace {

bool parse_flag(const std::string& text) {
  if (text == "yes" || text == "true" || text == "on" || text == "1") return true;
  if (text == "no" || text == "false" || text == "off" || text == "0") return false;
  throw InputError("'" + text + "' is neither yes nor no");
}

std::vector<std::string> checked_values(const Parameter& p, const std::string& text) {
  if (text.find_first_not_of(" \t\r") == std::string::npos) {
    if (p.optional) return {};
    throw InputError("no value is given");
  }
  const bool many = p.axis != AxisRule::never || p.list;
  std::vector<std::string> values;
  if (p.type == ValueType::text && !many) {
    values = {text};
  } else if (p.type == ValueType::number || p.type == ValueType::integer) {
    values = expand_numbers(text);
    for (std::string& value : values) {
      const double number =
          p.type == ValueType::integer ? static_cast<double>(parse_integer(value)) : parse_number(value);
      if (number < p.least || number > p.most)
        throw InputError("'" + value + "' is out of range (" + p.type_text() + ")");
    }
  } else {
    values = split_list(text);
    for (std::string& value : values) {
      if (p.type == ValueType::choice && std::find(p.choices.begin(), p.choices.end(), value) == p.choices.end())
        throw InputError("'" + value + "' is not " + p.type_text());
      if (p.type == ValueType::flag) value = parse_flag(value) ? "yes" : "no";
    }
    if (p.axis != AxisRule::never) {
      auto sorted = values;
      std::sort(sorted.begin(), sorted.end());
      const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
      if (twice != sorted.end()) throw InputError("the value " + *twice + " stands twice");
    }
  }
  if (!many && values.size() > 1) throw InputError("one value expected, " + std::to_string(values.size()) + " given");
  return values;
}

// The last word on a key; its default if nobody says anything.
std::string find_key_value(const std::vector<Assignment>& given,
                           const std::vector<std::pair<std::string, std::string>>& overrides, const std::string& name) {
  std::string value;
  for (const Assignment& one : given)
    if (one.key == name) value = one.value;
  for (const auto& [key, text] : overrides)
    if (key == name) value = text;
  if (!value.empty()) return value;
  for (const Parameter& key : study_keys().parameters)
    if (key.name == name) return key.fallback;
  throw Error("there is no key " + name);
}

}  // namespace

std::string Origin::text(std::string_view key) const {
  if (command_line) return "command line: --" + std::string(key);
  if (file.empty()) return std::string(key);
  return file + ":" + std::to_string(line) + ": " + std::string(key);
}

Job Job::load(const std::string& path, const std::vector<std::pair<std::string, std::string>>& overrides) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError("cannot read the job file " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) throw InputError("cannot read the job file " + path + " to its end");
  return parse(text.str(), path, overrides);
}

Job Job::parse(const std::string& text, const std::string& name,
               const std::vector<std::pair<std::string, std::string>>& overrides) {
  Job job;
  job.source_ = text;
  job.path_ = name;
  // The journal and the results file keep the job as text.
  if (first_not_utf8(name)) throw InputError("the path of the job file " + name + " is not UTF-8");
  const std::vector<Assignment> given = parse_assignments(text, name, /*sections=*/false);

  job.experiment_ = find_key_value(given, overrides, "experiment");
  try {
    static_cast<void>(experiment_named(job.experiment_));
  } catch (const InputError&) {
    job.experiment_ = all_experiments().front()->name();  // refused below, where the key is checked, with file and line
  }
  std::map<std::string, int> seen;
  for (const Assignment& one : given) {
    const Origin origin{name, one.line, false};
    const Parameter& known = job.own_key(one.key, origin);
    if (++seen[known.name] > 1) throw InputError(name + ": the key " + known.name + " stands twice");
    job.set(known, one.value, origin);
  }
  for (const auto& [key, value] : overrides) {
    const Origin origin{"", 0, true};
    if (first_not_utf8(value)) throw InputError(origin.text(key) + ": the value is not UTF-8");
    job.set(job.own_key(key, origin), value, origin);
  }
  job.check();
  return job;
}

Job Job::from_settings(const Json& settings) {
  Job job;
  job.path_ = "the journal";
  job.experiment_ = settings.at("experiment").at(0).get<std::string>();
  for (const auto& [name, values] : settings.items()) {
    const Parameter* key = find_key(job.experiment_, name);
    if (key == nullptr) {
      // Heads of earlier versions hold the keys of all experiments.
      if (!experiments_with(name).empty()) continue;
      throw Error("the journal holds the key " + name + ", which this version does not know");
    }
    std::string text;
    for (const auto& value : values)
      text += (text.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : value.dump());
    const std::vector<std::string> fallback = job.values(key->name);
    job.set(*key, text, Origin{"the journal", 0, false});
    if (job.values(key->name) == fallback) job.entries_.erase(key->name);  // nobody need have given it
  }
  return job;
}

std::vector<std::string> Job::keep_defaults(const Json& begun_settings, const std::string& begun_text) {
  const Job begun = from_settings(begun_settings);
  const Json then = begun.settings(), now = settings();
  std::set<std::string> given_then;
  for (const Assignment& one : parse_assignments(begun_text, begun.path_, /*sections=*/false))
    if (const Parameter* key = find_key(experiment_, one.key)) given_then.insert(key->name);
  std::vector<std::string> kept;
  for (const ParameterGroup& group : keys_of(experiment_))
    for (const Parameter& key : group.parameters) {
      if (key.role != Role::scientific || is_given(key.name) || given_then.count(key.name) != 0) continue;
      if (key.name == "title" || then.at(key.name) == now.at(key.name)) continue;
      kept.push_back("nobody gives " + key.name + ", whose default is " + joined(values(key.name)) + " now: it stays " +
                     joined(begun.values(key.name)) + ", as when this study began");
      entries_[key.name] = Entry{begun.values(key.name), {}};
    }
  return kept;
}

// The key of that name, which the chosen experiment must have.
const Parameter& Job::own_key(const std::string& name, const Origin& origin) const {
  if (const Parameter* key = find_key(experiment_, name)) return *key;
  if (const auto others = experiments_with(name); !others.empty()) {
    std::string text;
    for (const std::string& one : others) text += (text.empty() ? "" : ", ") + one;
    throw InputError(origin.text(name) + ": experiment " + experiment_ + " has no such key; " +
                     (others.size() == 1 ? "only " + text + " has it" : "those that have it: " + text));
  }
  const auto similar = similar_key(name);
  throw InputError(origin.text(name) + ": unknown key" + (similar ? "; did you mean " + *similar + "?" : "") +
                   " (telltale run --help lists all)");
}

void Job::set(const Parameter& key, const std::string& text, Origin origin) {
  try {
    entries_[key.name] = Entry{checked_values(key, text), origin};
  } catch (const InputError& error) {
    throw InputError(origin.text(key.name) + ": " + error.what());
  }
}

// What a single key cannot show.
void Job::check() const {
  try {
    for (const std::string& nodes : values("expect")) static_cast<void>(parse_expected_nodes(nodes));
  } catch (const InputError& error) {
    refuse("expect", error.what());
  }
  experiment_named(experiment_).check(*this);
}

const Job::Entry& Job::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  const Parameter* key = find_key(experiment_, name);
  if (key == nullptr) throw Error("experiment " + experiment_ + " was asked for its key " + std::string(name));
  // Defaults go the way of typed values, once.
  static std::mutex mutex;
  static std::map<const Parameter*, Entry> defaults;
  const std::lock_guard lock(mutex);
  const auto known = defaults.find(key);
  if (known != defaults.end()) return known->second;
  return defaults.emplace(key, Entry{checked_values(*key, key->fallback), {}}).first->second;
}

bool Job::has(std::string_view name) const { return find_key(experiment_, name) != nullptr; }

const std::vector<std::string>& Job::values(std::string_view key) const { return entry(key).values; }

const std::string& Job::text_or_empty(std::string_view key) const {
  static const std::string empty;
  const auto& all = values(key);
  return all.empty() ? empty : all.front();
}

const std::string& Job::text(std::string_view key) const { return text_or_empty(key); }
long long Job::integer(std::string_view key) const { return parse_integer(text(key)); }
double Job::number(std::string_view key) const { return parse_number(text(key)); }
bool Job::flag(std::string_view key) const { return parse_flag(text(key)); }

std::string Job::profiles() const {
  std::string text;
  for (const std::string& name : values("profiles")) text += (text.empty() ? "" : ",") + name;
  return text;
}

std::vector<Axis> Job::axes() const {
  std::vector<Axis> axes;
  for (const ParameterGroup& group : keys_of(experiment_))
    for (const Parameter& key : group.parameters) {
      const auto& all = values(key.name);
      if (key.axis == AxisRule::always || (key.axis == AxisRule::allowed && all.size() > 1))
        axes.push_back({key.name, key.dimension_name(), key.help, key.type, all});
    }
  return axes;
}

std::vector<Axis> Job::axes_of(const std::vector<std::string>& keys) const {
  std::vector<Axis> axes = this->axes();
  std::erase_if(axes, [&](const Axis& axis) { return std::find(keys.begin(), keys.end(), axis.key) == keys.end(); });
  return axes;
}

Axis Job::axis_of(const std::string& name) const {
  const Parameter* key = find_key(experiment_, name);
  if (key == nullptr) throw Error("experiment " + experiment_ + " was asked for its key " + name);
  return {key->name, key->dimension_name(), key->help, key->type, values(name)};
}

void Job::refuse(std::string_view key, const std::string& what) const {
  throw InputError(entry(key).origin.text(key) + ": " + what);
}

Json Job::settings() const {
  Json settings = Json::object();
  for (const ParameterGroup& group : keys_of(experiment_))
    for (const Parameter& key : group.parameters) {
      if (key.role != Role::scientific || key.name == "title") continue;
      Json list = Json::array();
      for (const std::string& value : values(key.name)) {
        if (key.type == ValueType::number)
          list.push_back(parse_number(value));
        else if (key.type == ValueType::integer)
          list.push_back(parse_integer(value));
        else
          list.push_back(value);
      }
      settings[key.name] = std::move(list);
    }
  return settings;
}

std::vector<std::string> differences(const Json& here, const Json& there) {
  const auto shown = [](const Json& settings, const std::string& key) -> std::string {
    if (!settings.contains(key)) return "(not set)";
    std::string text;
    for (const auto& value : settings[key])
      text += (text.empty() ? "" : ", ") + (value.is_string() ? value.get<std::string>() : value.dump());
    return text.empty() ? "(empty)" : text;
  };
  std::vector<std::string> lines;
  Json keys = here;
  keys.update(there);
  for (const auto& [key, unused] : keys.items()) {
    const std::string a = shown(here, key), b = shown(there, key);
    if (a != b) lines.push_back(key + ": " + a + " here, " + b + " there");
  }
  return lines;
}

}  // namespace telltale::study
