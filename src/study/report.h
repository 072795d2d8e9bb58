// The report: the paper's tables beside the measured ones, from a results file alone.
#pragma once

#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::study {

/// What was studied, then the experiment's own tables. Throws Error if the file is of a version that this program does
/// not know.
std::vector<Table> report(const store::Group& root);

}  // namespace telltale::study
