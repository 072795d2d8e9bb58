// What a study says about its own standard of proof: how often claims are proven, what keys score on networks that
// carry nothing of them, which false claims pass, and whether the machine decides.
#pragma once

#include <vector>

#include "store/results_file.h"
#include "study/table.h"

namespace telltale::experiments {

/// Those of these tables that a results file of experiment `ownership` has something for. `attacks`: names of the
/// groups of networks that were attacked.
std::vector<study::Table> claims_tables(const store::Group& root, const std::vector<std::string>& attacks);

}  // namespace telltale::experiments
