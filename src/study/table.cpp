#include "study/table.h"

#include <algorithm>

#include "core/error.h"
#include "study/csv.h"

namespace telltale::study {
namespace {

std::string render_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = " ";
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += " " + cells[i] + std::string(widths[i] - cells[i].size() + 1, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text = table.title + "\n";
  const bool headed =
      std::any_of(table.columns.begin(), table.columns.end(), [](const std::string& c) { return !c.empty(); });
  if (headed) {
    text += line(table.columns);
    std::vector<std::string> rule;
    for (const std::size_t width : widths) rule.emplace_back(width, '-');
    text += line(rule);
  }
  for (const auto& row : table.rows) text += line(row);
  for (const std::string& note : table.notes) text += "  " + note + "\n";
  return text + "\n";
}

std::string render_markdown(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + cell + " |";
    return text + "\n";
  };
  std::string text =
      "## " + table.title + "\n\n" + line(table.columns) + line(std::vector<std::string>(table.columns.size(), "---"));
  for (const auto& row : table.rows) text += line(row);
  text += "\n";
  for (const std::string& note : table.notes) text += note + "\n";
  return text + (table.notes.empty() ? "" : "\n");
}

// Every line begins with the table's title, so that one file holds them all.
std::string render_csv(const Table& table) {
  std::string text;
  const auto line = [&](std::vector<std::string> cells) {
    cells.insert(cells.begin(), table.title);
    text += csv_line(cells) + "\r\n";
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
  return text;
}

}  // namespace

TableFormat parse_format(const std::string& name) {
  if (name == "text") return TableFormat::text;
  if (name == "markdown") return TableFormat::markdown;
  if (name == "csv") return TableFormat::csv;
  throw InputError("there is no format " + name + ": text, markdown or csv");
}

std::string render(const std::vector<Table>& tables, TableFormat format) {
  std::string text;
  for (const Table& table : tables)
    text += format == TableFormat::text       ? render_text(table)
            : format == TableFormat::markdown ? render_markdown(table)
                                              : render_csv(table);
  return text;
}

}  // namespace telltale::study
