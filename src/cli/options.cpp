#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>

#include "core/error.h"
#include "core/log.h"
#include "core/process.h"
#include "core/text.h"
#include "study/axis.h"
#include "study/experiment.h"
#include "study/keys.h"

namespace telltale::cli {
namespace {

namespace po = boost::program_options;

std::string shown_default(const Parameter& parameter) {
  if (parameter.fallback.empty()) return parameter.optional ? "none" : "required";
  return parameter.fallback;
}

po::options_description described(const Shape& shape, bool keys) {
  po::options_description all;
  if (!keys) {
    po::options_description own("Options", 118, 60);
    own.add_options()("help,h", "this text");
    for (const OwnOption& option : shape.own) {
      if (option.takes_value)
        own.add_options()(option.name, po::value<std::string>()->value_name("..."), option.help);
      else
        own.add_options()(option.name, po::bool_switch(), option.help);
    }
    all.add(own);
    if (shape.logs) {
      po::options_description logs("Log (what each rank does, and when)", 118, 60);
      logs.add_options()("log-level", po::value<std::string>()->value_name("..."),
                         "what is logged [trace, debug, info, warn, error or off; default warn, with --log-file info]");
      logs.add_options()("log-file", po::value<std::string>()->value_name("..."),
                         "one file a rank instead of standard error: run.log is run.0003.log for rank 3; what is there "
                         "already is added to");
      all.add(logs);
    }
  }
  if (keys && shape.takes_keys) {
    // A key that experiments have with other meanings is one option: its help says each.
    std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> groups;
    std::map<std::string, std::pair<std::size_t, std::size_t>> places;
    for (const study::SharedParameter& shared : study::all_keys()) {
      const Parameter& parameter = *shared.parameter;
      const bool everywhere = shared.experiments.size() == study::all_experiments().size();
      const std::string help = (everywhere ? "" : "(" + joined(shared.experiments) + ") ") + parameter.help + " [" +
                               parameter.type_text() + "; default " + shown_default(parameter) + "]";
      if (const auto known = places.find(parameter.name); known != places.end()) {
        groups[known->second.first].second[known->second.second].second += "; " + help;
        continue;
      }
      auto group =
          std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == shared.group; });
      if (group == groups.end()) group = groups.insert(groups.end(), {shared.group, {}});
      places[parameter.name] = {static_cast<std::size_t>(group - groups.begin()), group->second.size()};
      group->second.emplace_back(parameter.name, help);
    }
    for (const auto& [title, parameters] : groups) {
      po::options_description group(title + " (in the job file, or as options)", 118, 60);
      for (const auto& [name, help] : parameters)
        group.add_options()(name.c_str(), po::value<std::string>()->value_name("..."), help.c_str());
      all.add(group);
    }
  }
  return all;
}

}  // namespace

std::optional<std::string> Options::value(const std::string& name) const {
  for (const auto& [key, value] : values)
    if (key == name) return value;
  return std::nullopt;
}

double Options::number(const std::string& name, double fallback) const {
  const auto given = value(name);
  if (!given) return fallback;
  try {
    return study::parse_number(*given);
  } catch (const InputError& error) {
    throw InputError("--" + name + ": " + error.what());
  }
}

double Options::number_above_0(const std::string& name, double fallback, double most, const char* unit) const {
  const double found = number(name, fallback);
  if (!(found > 0 && found <= most)) throw InputError("--" + name + ": " + unit + ", more than 0");
  return found;
}

long long Options::whole_number(const std::string& name, long long fallback) const {
  const auto given = value(name);
  if (!given) return fallback;
  try {
    return study::parse_integer(*given);
  } catch (const InputError& error) {
    throw InputError("--" + name + ": " + error.what());
  }
}

Options parse(const Arguments& arguments, const Shape& shape) {
  po::options_description all = described(shape, false);
  all.add(described(shape, true));
  all.add_options()("argument", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("argument", -1);

  // Keys may be typed with underscores, as in job files.
  Arguments normalised = arguments;
  for (std::string& word : normalised) {
    if (!word.starts_with("--")) continue;
    const auto end = std::min(word.find('='), word.size());
    for (std::size_t i = 2; i < end; ++i)
      if (word[i] == '_') word[i] = '-';
  }
  Options options;
  std::vector<std::string> given;
  try {
    const auto parsed = po::command_line_parser(normalised)
                            .options(all)
                            .positional(positional)
                            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                            .run();
    for (const auto& option : parsed.options) {
      if (option.string_key == "help")
        options.help = true;
      else if (option.string_key == "argument")
        given.push_back(option.value.front());
      else if (shape.takes_keys && !study::experiments_with(option.string_key).empty())
        options.keys.emplace_back(option.string_key, option.value.front());
      else
        options.values.emplace_back(option.string_key, option.value.empty() ? "yes" : option.value.front());
    }
  } catch (const po::error& error) {
    throw InputError(std::string(error.what()) + " (telltale " + shape.command + " --help lists the options)");
  }
  if (options.help) return options;
  if (shape.argument == nullptr && !given.empty())
    throw InputError(fmt::format("telltale {} takes no argument: {}", shape.command, given.front()));
  if (shape.second_argument != nullptr && given.size() != 2)
    throw InputError(fmt::format("telltale {0} needs a {1} and a {2}, {3} given (telltale {0} --help)", shape.command,
                                 shape.argument, shape.second_argument, given.size()));
  if (shape.second_argument == nullptr && given.size() > 1)
    throw InputError(fmt::format("one {} expected, {} given", shape.argument, given.size()));
  if (given.empty() && shape.argument != nullptr && shape.argument_required)
    throw InputError(fmt::format("telltale {0} needs a {1} (telltale {0} --help)", shape.command, shape.argument));
  if (!given.empty()) options.argument = given.front();
  if (given.size() > 1) options.second_argument = given.back();
  return options;
}

std::string help_text(const Shape& shape) {
  std::ostringstream text;
  text << "usage: telltale " << shape.command << (shape.argument ? " " + std::string(shape.argument) : "")
       << (shape.second_argument ? " " + std::string(shape.second_argument) : "") << " [options]\n";
  text << described(shape, false);
  if (shape.takes_keys) text << described(shape, true);
  return text.str();
}

void start_log(const Options& options) {
  log::Settings settings;
  settings.rank = launcher_rank();
  settings.file = options.value("log-file").value_or("");
  if (options.value("log-file") == "") throw InputError("--log-file needs a name");
  try {
    settings.level = log::parse_level(options.value("log-level").value_or(settings.file.empty() ? "warn" : "info"));
  } catch (const InputError& error) {
    throw InputError(std::string("--log-level: ") + error.what());
  }
  log::start(settings);
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto total = static_cast<long long>(seconds + 0.5);
  char text[32];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  return text;
}

}  // namespace telltale::cli
