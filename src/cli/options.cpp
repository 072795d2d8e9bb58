#include "cli/options.h"

#include <boost/program_options.hpp>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "core/error.h"
#include "study/axis.h"
#include "study/parameters.h"

namespace telltale::cli {
namespace {

namespace po = boost::program_options;

std::string shown_default(const study::Parameter& parameter) {
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
  }
  if (keys && shape.takes_keys) {
    for (const study::Role role : {study::Role::scientific, study::Role::operational}) {
      po::options_description group(role == study::Role::scientific
                                        ? "Keys that decide results (in the job file, or as options)"
                                        : "Keys of how it runs (may differ at every start)",
                                    118, 60);
      for (const study::Parameter& parameter : study::parameters())
        if (parameter.role == role)
          group.add_options()(
              parameter.key.c_str(), po::value<std::string>()->value_name("..."),
              (parameter.help + " [" + parameter.type_text() + "; default " + shown_default(parameter) + "]").c_str());
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
      else if (study::find_parameter(option.string_key) != nullptr && shape.takes_keys)
        options.keys.emplace_back(option.string_key, option.value.front());
      else
        options.values.emplace_back(option.string_key, option.value.empty() ? "yes" : option.value.front());
    }
  } catch (const po::error& error) {
    throw InputError(std::string(error.what()) + " (telltale " + shape.command + " --help lists the options)");
  }
  if (options.help) return options;
  if (shape.argument == nullptr && !given.empty())
    throw InputError("telltale " + std::string(shape.command) + " takes no argument: " + given.front());
  if (shape.second_argument != nullptr && given.size() != 2)
    throw InputError("telltale " + std::string(shape.command) + " needs a " + shape.argument + " and a " +
                     shape.second_argument + ", " + std::to_string(given.size()) + " given (telltale " + shape.command +
                     " --help)");
  if (shape.second_argument == nullptr && given.size() > 1)
    throw InputError("one " + std::string(shape.argument) + " expected, " + std::to_string(given.size()) + " given");
  if (given.empty() && shape.argument != nullptr && shape.argument_required)
    throw InputError("telltale " + std::string(shape.command) + " needs a " + shape.argument + " (telltale " +
                     shape.command + " --help)");
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
