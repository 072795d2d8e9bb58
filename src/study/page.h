// The pages of evidence: published numbers beside measured ones, from the results files of many studies.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::study {

/// A results file, and the job that it is of.
struct NamedResults {
  std::string name;  ///< of the job file, without its ending
  store::Group root;
};

/// The published number lies in our 95% interval; never of one repeat.
bool agrees(const Comparison& comparison);
/// It can be met on the point: something was measured, and it is neither a bound nor the seconds of other hardware.
bool is_comparable(const Comparison& comparison);
/// It lies outside the interval, and further off than `far_difference`.
bool is_far(const Comparison& comparison);

/// A difference of shares above this is far, where the published number lies outside the 95% interval too; of other
/// numbers a tenth of the published one.
inline constexpr double far_difference = 0.02;

/// How well a setting of what a paper leaves open fits its table.
struct Fit {
  std::string paper, table, setting;
  std::size_t cells = 0;       ///< shares that were compared
  double mean_difference = 0;  ///< mean magnitude of their differences
  const Comparison* decides =
      nullptr;  ///< the cell that speaks most against it, and not against the best; none of the best
};

/// Of every table with more than one setting, the settings, the best first. Refers to the comparisons.
std::vector<Fit> fits_of(const std::vector<Comparison>& comparisons);

/// Tables of studies (name, tables) that say what no paper measured: those of one title and the same columns are one,
/// with the study, a link to its page, as its first column.
std::vector<Table> beyond_papers(const std::vector<std::pair<std::string, std::vector<Table>>>& studies);

/// Pages in Markdown.
struct Pages {
  std::string overview;  ///< of all papers and studies; it names each study's page as `reproduction/NAME.md`
  std::vector<std::pair<std::string, std::string>> studies;  ///< name, page
};

/// The overview: what was compared of each paper, how far each study agrees, and what lies beyond the papers. A study's
/// page: its size, how it ran, which settings fit of those that the paper leaves open, what lies far off, with the
/// reason or marked open, and its tables. `others` are studies that have a page and no results any more: named, and not
/// counted. Throws Error as report() does.
Pages reproduction_pages(const std::vector<NamedResults>& studies, const std::vector<std::string>& others);

}  // namespace telltale::study
