#include <iostream>

#include "cli/options.h"
#include "experiments/model_export.h"
#include "study/results.h"

namespace telltale::cli {
namespace {

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

int run_export_models(const Arguments& arguments, char**) {
  const Shape shape{"export",
                    "RESULTS.h5",
                    true,
                    {{"models", "the trained models, as safetensors and as TorchScript", false},
                     {"where", "only models of these cases: DIMENSION=LABEL,..., of the dimensions of group train"},
                     {"artifacts", "the folder of models, if it is not `artifacts` beside the results file"}},
                    false,
                    "FOLDER"};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape)
              << "FOLDER gets each model twice, as model-HASH.safetensors (weights) and model-HASH.pt\n"
                 "(torch.jit.load), and manifest.csv: which model is of which case. It must be empty or not there.\n";
    return all_done;
  }
  const study::StudyPaths paths{options.argument};
  const experiments::ExportedModels exported =
      experiments::export_models(study::open_results(paths), paths.artifacts(options.value("artifacts").value_or("")),
                           options.value("where").value_or(""), options.second_argument);
  std::cout << counted(exported.models, "model") << " of " << counted(exported.cases, "case") << " in "
            << options.second_argument << "\n";
  if (exported.untrained > 0)
    std::cout << counted(exported.untrained, "case") << " skipped: not trained; `telltale status " << options.argument
              << "` shows why\n";
  return all_done;
}

}  // namespace telltale::cli
