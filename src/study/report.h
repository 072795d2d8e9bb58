// The report: the paper's tables beside the measured ones, from a results file alone.
#pragma once

#include <string>
#include <vector>

#include "store/results_file.h"

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

/// Throws Error if the file is of a version that this program does not know.
std::vector<Table> report(const store::Group& root);

std::string render(const std::vector<Table>& tables, TableFormat format);

}  // namespace telltale::study
