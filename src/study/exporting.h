// What every export of a study shares: which cases are meant, and a folder in which nothing is overwritten.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace telltale::study {

/// The positions of the cases that have given labels. `labels` are theirs, by dimension; `conditions` is empty (all) or
/// "grid=8-bit, target=zen"; `what` is what a case holds, for messages ("sample"). Throws InputError for a dimension
/// that there is not, or labels that no case has.
std::vector<std::size_t> cases_where(const std::vector<std::string>& dimensions,
                                     const std::vector<std::vector<std::string>>& labels, const std::string& conditions,
                                     const std::string& what);

/// Creates the folder if need be. Throws InputError if it cannot, or if something is in it already.
void make_empty_folder(const std::string& folder);

}  // namespace telltale::study
