// The page of evidence: published numbers beside measured ones, from the results files of many studies.
#pragma once

#include <string>
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

/// In Markdown: what was compared of each paper; each study's size, how it ran and its tables; what lies far off,
/// with the reason, or marked open; and which settings fit, of those that the papers leave open. Throws Error as
/// report() does.
std::string reproduction_page(const std::vector<NamedResults>& studies);

}  // namespace telltale::study
