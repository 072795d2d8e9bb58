// What a study measured in place of published numbers, as groups of its own results file.
#pragma once

#include <string>
#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::study {

/// Adds a group `compared` to `published` (and, of wall times, which are no scientific content, to `run`): each
/// comparison that the tables make, in their order, beside the row of `published` that it speaks of. `papers`: keys, in
/// the order of that group. A group without a comparison is left out.
void add_compared(store::Group& root, const std::vector<Table>& tables, const std::vector<std::string>& papers);

}  // namespace telltale::study
