#include <iostream>

#include "cli/requests.h"
#include "experiments/model_export.h"
#include "study/results.h"

namespace telltale::cli {
namespace {

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

int run_export_models(const Arguments& arguments, char**) {
  const auto options = read_export_models(arguments);
  if (!options) return all_done;
  const study::StudyPaths paths{options->argument};
  const experiments::ExportedModels exported =
      experiments::export_models(study::open_results(paths), paths.artifacts(options->value("artifacts").value_or("")),
                                 options->value("where").value_or(""), options->second_argument);
  std::cout << counted(exported.models, "model") << " of " << counted(exported.cases, "case") << " in "
            << options->second_argument << "\n";
  if (exported.untrained > 0)
    std::cout << counted(exported.untrained, "case") << " skipped: not trained; `telltale status " << options->argument
              << "` shows why\n";
  return all_done;
}

}  // namespace telltale::cli
