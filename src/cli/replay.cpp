#include "experiments/boundary/replay.h"

#include <filesystem>
#include <iostream>

#include "cli/requests.h"
#include "forensics/profile.h"

namespace telltale::cli {

int run_replay(const Arguments& arguments, char** argv) {
  const auto request = read_replay(arguments);
  if (!request) return all_done;
  if (request->profile) forensics::pin_and_reexecute(*request->profile, argv);
  if (request->serves)
    experiments::serve_replays(std::cin, std::cout, request->batch);
  else if (std::filesystem::is_directory(request->points))
    experiments::replay_export(request->model, request->points, request->batch, request->output);
  else
    experiments::replay_files(request->model, request->points, request->batch, request->output);
  return all_done;
}

}  // namespace telltale::cli
