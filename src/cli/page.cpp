#include "study/page.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "store/atomic_file.h"
#include "study/results.h"

namespace telltale::cli {
namespace {

// The names of those with that ending, in their order.
std::vector<std::string> files_in(const std::filesystem::path& folder, const char* ending) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ending) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

int run_page(const Arguments& arguments, char**) {
  const Shape shape{"page",
                    "FOLDER",
                    true,
                    {{"output,o", "folder of the pages: reproduction.md, and reproduction/NAME.md of every study"}},
                    false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape)
              << "FOLDER holds results files, each named for its job file: jobs/NAME.ini, FOLDER/NAME.h5.\n";
    return all_done;
  }
  const std::filesystem::path folder = options.argument;
  if (!std::filesystem::is_directory(folder)) throw InputError("there is no folder " + folder.string());
  if (!options.value("output")) throw InputError("page: -o FOLDER says where the pages are to lie");
  const std::filesystem::path docs = *options.value("output"), pages_of_studies = docs / "reproduction";
  const std::vector<std::string> names = files_in(folder, ".h5");
  if (names.empty()) throw InputError("no results file (*.h5) lies in " + folder.string());
  std::filesystem::create_directories(pages_of_studies);

  std::vector<study::NamedResults> studies;
  for (const std::string& name : names) studies.push_back({name, study::open_results({folder / (name + ".h5")})});
  std::vector<std::string> others;
  for (const std::string& name : files_in(pages_of_studies, ".md"))
    if (std::find(names.begin(), names.end(), name) == names.end()) others.push_back(name);
  const study::Pages pages = study::reproduction_pages(studies, others);
  store::write_file_atomically(docs / "reproduction.md", {as_bytes(pages.overview)});
  for (const auto& [name, text] : pages.studies)
    store::write_file_atomically(pages_of_studies / (name + ".md"), {as_bytes(text)});
  std::cout << docs.string() << "/reproduction.md and " << names.size() << " pages of studies beside it\n";
  return all_done;
}

}  // namespace telltale::cli
