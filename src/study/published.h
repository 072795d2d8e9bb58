// Numbers that papers have published, as data: one file a paper (src/experiments/published/*.json), built into the
// program, written into the results file and printed beside what was measured. docs/published-numbers.md specifies the
// files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/embedded.h"
#include "core/json.h"
#include "store/results_file.h"

namespace telltale::study {

/// One number of a paper.
struct PublishedRow {
  std::string table;    ///< where it stands, as printed there: "Table 1", "Fig. 3e", "Sec. 4.2"
  std::string measure;  ///< named as the variable of the results file, where there is one
  Json coordinates;     ///< object: dimension of the results -> text or number; null: it has no meaning at this row
  double value = 0;     ///< finite; of unit "1" a share, 0 to 1
  std::string unit;     ///< "1", "dB", "queries", ...
  std::string bound;    ///< "": the value itself; "above", "below", "about"
  std::string origin;   ///< "printed" (in a table), "text", "computed" (from it), "raw results" (of its authors)
  std::optional<int> repeats;  ///< runs that the paper averages, where it says so
  std::string erratum;         ///< what is wrong or ambiguous at this number; empty if nothing is
  std::string finding;         ///< why what is measured here differs, as far as it is known; empty if it is not
  std::string paper;           ///< its key
  std::size_t number = 0;      ///< in that paper's rows, from 0
};

/// What is wrong or ambiguous in a paper and belongs to no single number.
struct PublishedErratum {
  std::string source;     ///< section, table or figure
  std::string statement;  ///< what the paper says
  std::string finding;    ///< what we found
};

struct PublishedPaper {
  std::string key;  ///< the file's name without its ending
  std::string citation;
  std::vector<PublishedRow> rows;
  std::vector<PublishedErratum> errata;

  /// The rows of one table that have all of these coordinates (numbers equal as numbers). Empty `table`: of all tables.
  [[nodiscard]] std::vector<PublishedRow> rows_of(std::string_view table,
                                                  const Json& coordinates = Json::object()) const;
  /// The one row of a table with this measure and all of these coordinates. Throws Error unless there is one.
  [[nodiscard]] const PublishedRow& row_of(std::string_view table, std::string_view measure,
                                           const Json& coordinates = Json::object()) const;
};

/// Reads a paper's file. Throws Error that names file and row for anything that is not as the page says: an unknown
/// key, a value that is not finite, a share outside 0 to 1, two rows of one place, measure, coordinates and origin.
PublishedPaper parse_published(const std::string& file_name, const std::string& text);

/// The files as they were built in, in the order of their names.
const std::vector<EmbeddedFile>& published_files();

/// All papers, parsed once. Throws Error as parse_published() does.
const std::vector<PublishedPaper>& published_papers();
/// Throws Error for a paper that is not built in.
const PublishedPaper& published_paper(std::string_view key);

/// Whether two coordinates are one: equal texts or equal numbers, a number also as its decimal text.
bool same_coordinate(const Json& one, const Json& other);

/// The group `published` of the results file: every row of the papers, and the group `errata` in it.
store::Group published_group(const std::vector<std::string>& papers);
store::Group published_group(const std::vector<const PublishedPaper*>& papers);

}  // namespace telltale::study
