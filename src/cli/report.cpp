#include "study/report.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/command.h"
#include "core/error.h"
#include "study/results.h"

namespace telltale::cli {
namespace {

// Beside the program, as it was built or installed; empty where it is neither: Python knows it itself, or does not.
std::filesystem::path analysis_folder() {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {"analysis", "../share/telltale/analysis"})
    if (std::filesystem::exists(here / place / "telltale")) return here / place;
  return {};
}

// The Python package draws the page: analysis/README.md.
void write_page(const std::string& results, const std::string& page) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string python = variable("TELLTALE_PYTHON").empty() ? "python3" : variable("TELLTALE_PYTHON");
  std::string path = analysis_folder();
  if (const std::string others = variable("PYTHONPATH"); !others.empty()) path += (path.empty() ? "" : ":") + others;
  const CommandResult done = run_command({python, "-m", "telltale", "report", results, "-o", page},
                                         {"PYTHONPATH=" + path}, std::chrono::hours(1));
  const std::string errors = done.errors.substr(0, done.errors.find_last_not_of('\n') + 1);
  if (const auto lacking = errors.find("No module named"); lacking != std::string::npos)
    throw InputError(python + " lacks a package that the page is drawn with: " + errors.substr(lacking) +
                     ". Debian has them all: python3-xarray python3-h5netcdf python3-scipy python3-matplotlib "
                     "python3-jinja2. Another Python: TELLTALE_PYTHON. On another machine: analysis/README.md");
  if (done.exit_code != 0) throw InputError(errors);
  std::cout << done.output;
}

}  // namespace

int run_report(const Arguments& arguments, char**) {
  const Shape shape{
      "report",
      "RESULTS.h5",
      true,
      {{"format,f", "text (default), markdown or csv"}, {"html", "write a page of figures and tables to this file"}},
      false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const study::TableFormat format = study::parse_format(options.value("format").value_or("text"));
  // Compares the file with what its journal says of it, too.
  const store::Group root = study::open_results({options.argument});
  if (const auto page = options.value("html"))
    write_page(options.argument, *page);
  else
    std::cout << study::render(study::report(root), format);
  return all_done;
}

}  // namespace telltale::cli
