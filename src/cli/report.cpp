#include "study/report.h"

#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "study/results.h"

namespace telltale::cli {

int run_report(const Arguments& arguments, char**) {
  const Shape shape{"report", "RESULTS.h5", true, {{"format,f", "text (default), markdown or csv"}}, false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const study::TableFormat format = study::parse_format(options.value("format").value_or("text"));
  const store::Group root = study::open_results({options.argument});
  std::cout << study::render(study::report(root), format);
  return all_done;
}

}  // namespace telltale::cli
