// The one table that sets published numbers beside measured ones.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "study/published.h"
#include "study/table.h"

namespace telltale::study {

/// What a study measured at one point that a published row speaks of.
struct MeasuredPoint {
  std::vector<std::pair<std::string, std::string>> labels;  ///< of the dimensions that the row leaves open
  std::vector<double> repeats;                              ///< in the row's unit, without missing ones: may be empty
};

/// The points of a study that a row speaks of; none: the study has no such point.
using Measured = std::function<std::vector<MeasuredPoint>(const PublishedRow&)>;

/// Where measured numbers lie: the variable of a group that a row's measure names. A cell belongs to a row if all of
/// the row's coordinates are the cell's: labels of the variable's dimensions, or `constants`. Values along `repeat` are
/// the repeats of a point; along each other dimension that the row does not name, every label is a point of its own; a
/// dimension that has no meaning at the row (null) gives its first label that has values.
struct ResultsView {
  const store::Group& group;     ///< must outlive the view
  Json constants;                ///< what is the same in the whole study: settings_of()
  std::set<std::string> free{};  ///< dimensions in which the study may differ from the row

  std::vector<MeasuredPoint> operator()(const PublishedRow& row) const;
};

/// The data set and every setting of a results file that has one value, by the name of a dimension (dashes are
/// underscores).
Json settings_of(const store::Group& root);

/// What becomes of rows of which the study has no point.
enum class NotInStudy { left_out, shown };

/// One row a published number and point: coordinates, paper, measured (mean of the repeats), difference, Student's 95%
/// interval of the mean from the repeats alone, their number. Shares are percent. What is the same in every row is said
/// once below the table; so are errata, by number.
Table published_table(const std::string& title, const std::vector<PublishedRow>& rows, const Measured& measured,
                      NotInStudy absent = NotInStudy::left_out);

/// Adds such a table of a results file's group, with the settings of the whole study and `more` that its rows can name:
/// nothing where there is no such group, or no such point in it.
void add_published_table(std::vector<Table>& tables, const std::string& title, const std::vector<PublishedRow>& rows,
                         const store::Group& root, const store::Group* group, const Json& more = Json::object());

/// A published number in a sentence: "Sec. 3.2: expected_queries 2 queries at p 0.8. " and its erratum.
std::string cited(const PublishedRow& row);

/// What is wrong or ambiguous in a paper and belongs to no single number.
Table errata_table(const PublishedPaper& paper);

}  // namespace telltale::study
