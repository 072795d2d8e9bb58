#include <iostream>

#include "cli/requests.h"
#include "cluster/worker.h"
#include "core/json.h"
#include "experiments/ownership/suspect.h"

namespace telltale::cli {

int run_answer(const Arguments& arguments, char**) {
  const auto request = read_answer(arguments);
  if (!request) return all_done;
  constexpr double gib = 1024.0 * 1024 * 1024;
  const auto answers = experiments::ask_confined(request->model, request->queries,
                                                 static_cast<std::uint64_t>(request->memory_gib * gib));
  std::cout << Json{{"outputs", answers.outputs}, {"labels", answers.labels}}.dump() << "\n";
  // What a model has left behind is not run.
  cluster::leave_process(all_done);
}

}  // namespace telltale::cli
