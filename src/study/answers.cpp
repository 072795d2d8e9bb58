#include "study/answers.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>

#include "core/error.h"
#include "study/csv.h"

namespace telltale::study {
namespace {

constexpr const char* answers_header = "sample,label";
// Numbers mean other samples in another results file, or in one that has grown since: the form says of which it is.
constexpr std::string_view form_of = "# samples: ";

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Answers read_answers(const std::string& path, std::size_t samples, std::int64_t classes, const std::string& identity) {
  std::ifstream file(path);
  if (!file) throw InputError("cannot read the answers " + path + ": " + std::strerror(errno));
  Answers answers;
  answers.labels.assign(samples, -1);
  std::vector<std::size_t> line_of(samples, 0);  // where a sample was given its label
  std::set<std::size_t> blank;
  bool first = true;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto refuse = [&, number](const std::string& why) {
      throw InputError(path + ":" + std::to_string(number) + ": " + why);
    };
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // spreadsheets begin UTF-8 so
    if (line.starts_with(form_of) && !line.substr(form_of.size()).starts_with(identity))
      refuse(
          "this is a form for other samples than the results hold now: export them again, and number the answers anew");
    line.erase(std::min(line.find('#'), line.size()));
    std::vector<std::string> fields;
    try {
      fields = split_csv_line(line);
    } catch (const InputError& error) {
      refuse(error.what());
    }
    if (fields == std::vector<std::string>{""}) continue;
    const bool may_be_header = first;
    first = false;
    if (may_be_header && csv_line(fields) == answers_header) continue;
    if (fields.size() != 2)
      refuse("'" + line + "' is no answer: two fields are expected, a sample's number and a label (or nothing)");
    const auto sample = whole_number(fields[0]);
    if (!sample) refuse("'" + fields[0] + "' is not the number of a sample");
    if (*sample < 0 || *sample >= static_cast<std::int64_t>(samples))
      refuse("there is no sample " + fields[0] + ": the results have the samples 0 to " + std::to_string(samples - 1));
    const auto at = static_cast<std::size_t>(*sample);
    if (fields[1].empty()) {
      blank.insert(at);
      continue;
    }
    const auto label = whole_number(fields[1]);
    if (!label) refuse("'" + fields[1] + "' is not a label");
    if (*label < 0 || *label >= classes)
      refuse("there is no label " + fields[1] + ": the classes are 0 to " + std::to_string(classes - 1));
    if (line_of[at] != 0 && answers.labels[at] != *label)
      refuse("sample " + fields[0] + " has the label " + fields[1] + " here, and " +
             std::to_string(answers.labels[at]) + " in line " + std::to_string(line_of[at]));
    if (line_of[at] != 0) continue;
    answers.labels[at] = static_cast<std::int32_t>(*label);
    line_of[at] = number;
    ++answers.given;
  }
  if (file.bad()) throw InputError("cannot read the answers " + path + " to their end");
  for (const std::size_t sample : blank) answers.missing += line_of[sample] == 0;
  return answers;
}

std::string answers_template(const std::vector<std::size_t>& samples, std::int64_t classes,
                             const std::string& identity) {
  std::string text = std::string(form_of) + identity + "\n# The class (0 to " + std::to_string(classes - 1) +
                     ") that the service gave each sample; nothing: it gave none.\n" + answers_header + "\n";
  for (const std::size_t sample : samples) text += std::to_string(sample) + ",\n";
  return text;
}

}  // namespace telltale::study
