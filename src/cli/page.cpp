#include "study/page.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "study/results.h"

namespace telltale::cli {

int run_page(const Arguments& arguments, char**) {
  const Shape shape{"page", "FOLDER", true, {}, false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape)
              << "FOLDER holds results files, each named for its job file: jobs/NAME.ini, FOLDER/NAME.h5.\n";
    return all_done;
  }
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(options.argument)) throw InputError("there is no folder " + options.argument);
  for (const auto& entry : std::filesystem::directory_iterator(options.argument))
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  if (files.empty()) throw InputError("no results file (*.h5) lies in " + options.argument);
  std::sort(files.begin(), files.end());
  std::vector<study::NamedResults> studies;
  for (const auto& file : files) studies.push_back({file.stem().string(), study::open_results({file.string()})});
  std::cout << study::reproduction_page(studies);
  return all_done;
}

}  // namespace telltale::cli
