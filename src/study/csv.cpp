#include "study/csv.h"

#include <algorithm>

#include "core/error.h"

namespace telltale::study {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : ",") + quoted(fields[i]);
  return text;
}

std::vector<std::string> split_csv_line(std::string_view line) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t first = std::min(line.find_first_not_of(blanks, at), line.size());
    if (first == line.size() || line[first] != '"') {
      const std::size_t end = std::min(line.find(',', at), line.size());
      fields.emplace_back(trimmed(line.substr(at, end - at)));
      at = end + 1;
      continue;
    }
    std::string field;
    at = first + 1;
    while (true) {
      const std::size_t quote = line.find('"', at);
      if (quote == std::string_view::npos) throw InputError("a quoted field does not end");
      field += line.substr(at, quote - at);
      at = quote + 1;
      if (at >= line.size() || line[at] != '"') break;
      field += '"';
      ++at;
    }
    const std::size_t end = std::min(line.find(',', at), line.size());
    if (!trimmed(line.substr(at, end - at)).empty()) throw InputError("something follows a quoted field");
    fields.push_back(std::move(field));
    at = end + 1;
  }
  return fields;
}

}  // namespace telltale::study
