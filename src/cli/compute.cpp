// The commands that work on a job, as `telltale-compute` does them.
#include <filesystem>

#include "cli/computing.h"
#include "cli/jobs.h"
#include "experiments/runners.h"
#include "forensics/libtorch.h"
#include "models/runtime.h"

namespace telltale::cli {

study::Computing computing() {
  return {.libtorch = forensics::loaded_libtorch,
          .fingerprints = [](const auto& subjects) { return forensics::take_fingerprints(subjects); },
          .make_executor = experiments::make_executor,
          .responder = experiments::make_responder()};
}

std::string compute_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

int run_run(const Arguments& arguments, char** argv) {
  auto request = read_run(arguments);
  if (!request) return all_done;
  take_profile(request->job, request->job.flag("coordinator-works"), argv);
  models::keep_freed_memory();
  run_job(std::move(*request), computing());
}

int run_plan(const Arguments& arguments, char** argv) {
  auto request = read_plan(arguments);
  if (!request) return all_done;
  take_profile(request->job, request->job.flag("coordinator-works"), argv);
  plan_job(std::move(*request), computing());
}

}  // namespace telltale::cli
