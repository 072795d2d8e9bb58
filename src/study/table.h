// Tables of text, and how they are printed.
#pragma once

#include <string>
#include <vector>

namespace telltale::study {

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  ///< below the table
};

enum class TableFormat { text, markdown, csv };
/// Throws InputError for an unknown name.
TableFormat parse_format(const std::string& name);

std::string render(const std::vector<Table>& tables, TableFormat format);

}  // namespace telltale::study
