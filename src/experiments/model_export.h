// The trained models of a study as files that need nothing of Telltale. docs/models.md tells how they are read.
#pragma once

#include <cstddef>
#include <string>

#include "store/results_file.h"

namespace telltale::experiments {

struct ExportedModels {
  std::size_t models = 0;
  std::size_t cases = 0;      ///< that these are the models of: several may share one
  std::size_t untrained = 0;  ///< cases that were selected and have no model yet
};

/// Writes every model of the selected cases of group `train` into `folder`, which is created if need be: as
/// model-<hash>.safetensors, as model-<hash>.pt (TorchScript; see models/torchscript.h), both with the network's
/// description, and manifest.csv, one line a case. `conditions` is as in cases_where(). The models are read from the
/// folder `artifacts` and compared with the hashes in the results, all of them before anything is written. Throws
/// InputError if there is no such model or case, if models are missing or damaged (naming them), or if something is in
/// the folder already; Error if the disk refuses.
ExportedModels export_models(const store::Group& root, const std::string& artifacts, const std::string& conditions,
                             const std::string& folder);

}  // namespace telltale::experiments
