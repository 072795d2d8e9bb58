#include "study/job.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/hex.h"
#include "core/utf8.h"
#include "study/axis.h"

namespace telltale::study {
namespace {

// Boost reports no line numbers: this index of keys to lines supplies them. Lines are those of the file as written.
std::map<std::string, int> lines_of_keys(const std::string& text) {
  std::map<std::string, int> lines;
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    line = line.substr(0, line.find('#'));
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto first = line.find_first_not_of(" \t\r");
    const auto last = line.find_last_not_of(" \t\r", equals == 0 ? 0 : equals - 1);
    if (first >= equals || last == std::string::npos) continue;
    lines.emplace(line.substr(first, last - first + 1), number);
  }
  return lines;
}

// The first line that is neither empty, a comment, a section nor an assignment; 0 if there is none.
int first_odd_line(const std::string& text) {
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    if (line.find('=') == std::string::npos || line[first] == '=' || line[first] == '[') return number;
  }
  return 0;
}

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
  namespace po = boost::program_options;
  Job job;
  job.source_ = text;
  job.path_ = name;
  // The journal and the results file keep the job as text.
  if (first_not_utf8(name)) throw InputError("the path of the job file " + name + " is not UTF-8");
  if (const auto bad = first_not_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    throw InputError(name + ":" + std::to_string(line) + ": the byte 0x" + to_hex(as_bytes(text).subspan(*bad, 1)) +
                     " is not UTF-8: save the job file as UTF-8");
  }
  if (const int odd = first_odd_line(text); odd != 0)
    throw InputError(name + ":" + std::to_string(odd) + ": a line must be `key = value`, a comment, or empty");
  const auto lines = lines_of_keys(text);

  po::options_description none;
  std::istringstream stream(text);
  std::vector<std::pair<std::string, std::string>> given;
  try {
    for (const auto& option : po::parse_config_file(stream, none, /*allow_unregistered=*/true).options)
      given.emplace_back(option.string_key, option.value.empty() ? "" : option.value.front());
  } catch (const po::error& error) {
    throw InputError(name + ": " + error.what());
  }

  std::map<std::string, int> seen;
  for (const auto& [key, value] : given) {
    const auto at = lines.find(key);
    Origin origin{name, at == lines.end() ? 0 : at->second, false};
    const Parameter* parameter = find_parameter(key);
    if (parameter == nullptr) {
      const auto similar = similar_key(key);
      throw InputError(origin.text(key) + ": unknown key" + (similar ? "; did you mean " + *similar + "?" : "") +
                       " (telltale run --help lists all)");
    }
    if (++seen[parameter->key] > 1) throw InputError(name + ": the key " + parameter->key + " stands twice");
    job.set(*parameter, value, origin);
  }
  for (const auto& [key, value] : overrides) {
    const Parameter* parameter = find_parameter(key);
    if (parameter == nullptr) throw InputError("command line: --" + key + ": unknown option");
    if (first_not_utf8(value)) throw InputError(Origin{"", 0, true}.text(key) + ": the value is not UTF-8");
    job.set(*parameter, value, Origin{"", 0, true});
  }
  job.check();
  return job;
}

Job Job::from_settings(const Json& settings) {
  Job job;
  job.path_ = "the journal";
  for (const auto& [key, values] : settings.items()) {
    const Parameter* parameter = find_parameter(key);
    if (parameter == nullptr) throw Error("the journal holds the key " + key + ", which this version does not know");
    std::string text;
    for (const auto& value : values)
      text += (text.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : value.dump());
    job.set(*parameter, text, Origin{"the journal", 0, false});
  }
  return job;
}

void Job::set(const Parameter& parameter, const std::string& text, Origin origin) {
  try {
    entries_[parameter.key] = Entry{checked_values(parameter, text), origin};
  } catch (const InputError& error) {
    throw InputError(origin.text(parameter.key) + ": " + error.what());
  }
}

void Job::check() const {
  // What a single key cannot show.
  if (is_set("lr-milestones") && values("epochs").size() == 1) {
    for (const std::string& milestone : values("lr-milestones"))
      if (parse_integer(milestone) >= integer("epochs"))
        refuse("lr-milestones", "epoch " + milestone + " is not before the last (epochs = " + text("epochs") + ")");
  }
  const auto& schemes = values("scheme");
  const bool marked = std::any_of(schemes.begin(), schemes.end(), [](const auto& s) { return s != "clean"; });
  if (text("experiment") == "new-label" && integer("predict-images") > 0 && !marked)
    refuse("predict-images", "predictions need a watermarked model: scheme names only clean");
}

const Job::Entry& Job::entry(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found != entries_.end()) return found->second;
  const Parameter* parameter = find_parameter(key);
  if (parameter == nullptr) throw Error("the program asked for the unknown key " + std::string(key));
  // Defaults go the way of typed values, once.
  static std::map<std::string, Entry, std::less<>> defaults;
  const auto known = defaults.find(key);
  if (known != defaults.end()) return known->second;
  return defaults.emplace(parameter->key, Entry{checked_values(*parameter, parameter->fallback), {}}).first->second;
}

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
  for (const Parameter& parameter : parameters()) {
    const auto& all = values(parameter.key);
    if (parameter.axis == AxisRule::always || (parameter.axis == AxisRule::allowed && all.size() > 1))
      axes.push_back({parameter.key, parameter.dimension(), parameter.help, parameter.type, all});
  }
  return axes;
}

void Job::refuse(std::string_view key, const std::string& what) const {
  throw InputError(entry(key).origin.text(key) + ": " + what);
}

Json Job::settings() const {
  Json settings = Json::object();
  for (const Parameter& parameter : parameters()) {
    if (parameter.role != Role::scientific || parameter.key == "title") continue;
    Json list = Json::array();
    for (const std::string& value : values(parameter.key)) {
      if (parameter.type == ValueType::number)
        list.push_back(parse_number(value));
      else if (parameter.type == ValueType::integer)
        list.push_back(parse_integer(value));
      else
        list.push_back(value);
    }
    settings[parameter.key] = std::move(list);
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
