#include "study/compared.h"

#include <map>

#include "core/text.h"
#include "study/published.h"
#include "study/tabulate.h"

namespace telltale::study {
namespace {

store::Group compared_group(const std::vector<const Comparison*>& comparisons,
                            const std::map<std::string, std::int64_t>& first_row) {
  const auto count = static_cast<std::int64_t>(comparisons.size());
  std::vector<std::int64_t> rows, repeats;
  std::vector<std::string> settings, reasons;
  std::vector<double> measured, low, high;
  for (const Comparison* one : comparisons) {
    rows.push_back(first_row.at(one->paper) + static_cast<std::int64_t>(one->number));
    repeats.push_back(static_cast<std::int64_t>(one->repeats));
    settings.push_back(one->setting);
    reasons.push_back(joined(one->reasons, " "));
    measured.push_back(one->measured);
    low.push_back(one->low);
    high.push_back(one->high);
  }
  const std::vector<std::string> along{"comparison"};
  store::Group group;
  group.name = "compared";
  group.attributes = {{"description", "what was measured in place of published numbers"}};
  group.dimensions = {{"comparison", count}};
  group.variables = {
      variable("row", along, {count}, rows, "position of the number in the group published"),
      texts("setting", along, settings, "of what the paper leaves open, the one that was measured"),
      variable("measured", along, {count}, measured, "mean of the repeats, in the unit of the published number"),
      variable("low", along, {count}, low, "lower end of Student's 95% interval of that mean; missing: one repeat"),
      variable("high", along, {count}, high, "its upper end"),
      variable("repeats", along, {count}, repeats, "repeats that are there; 0: nothing is measured yet"),
      texts("reason", along, reasons, "errata of the number, and what is known about the difference")};
  return group;
}

}  // namespace

void add_compared(store::Group& root, const std::vector<Table>& tables, const std::vector<std::string>& papers) {
  std::map<std::string, std::int64_t> first_row;
  std::int64_t rows = 0;
  for (const std::string& paper : papers) {
    first_row[paper] = rows;
    rows += static_cast<std::int64_t>(published_paper(paper).rows.size());
  }
  std::vector<const Comparison*> content, times;
  for (const Table& table : tables)
    for (const Comparison& one : table.comparisons) (one.unit == "s" ? times : content).push_back(&one);
  for (store::Group& group : root.children) {
    const auto& of_group = group.name == "published" ? content : times;
    if ((group.name == "published" || group.name == "run") && !of_group.empty())
      group.children.push_back(compared_group(of_group, first_row));
  }
}

}  // namespace telltale::study
