// Tables of text, and how they are printed.
#pragma once

#include <string>
#include <vector>

namespace telltale::study {

/// A published number and what was measured in its place.
struct Comparison {
  std::string paper;       ///< its key
  std::size_t number = 0;  ///< of the row in that paper
  std::string table;       ///< where it is printed: "Table 3"
  std::string setting;     ///< of what the paper leaves open, the one that was measured: "prune_scope global"
  std::string what;        ///< "Table 3, accuracy: scheme content, pruning_rate 0.9"
  bool is_share = false;   ///< 0 to 1
  std::string unit;        ///< of any other number
  double published = 0;
  double measured = 0;               ///< mean of the repeats
  double low = 0, high = 0;          ///< of its 95% interval; NaN of one repeat
  std::size_t repeats = 0;           ///< 0: nothing was measured
  std::vector<std::string> reasons;  ///< errata and findings
  bool is_bound = false;             ///< the published number is no value but a bound
};

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;            ///< below the table
  std::vector<Comparison> comparisons = {};  ///< what its rows compare, if they do
  /// Of what no paper measured: the overview of all studies shows such tables too (study/page.h).
  bool is_beyond_papers = false;
};

enum class TableFormat { text, markdown, csv };
/// Throws InputError for an unknown name.
TableFormat parse_format(const std::string& name);

std::string render(const std::vector<Table>& tables, TableFormat format);

}  // namespace telltale::study
