// The commands that compute, as `telltale` does them: what they are asked is checked, then `telltale-compute` takes
// this process over, at once under its profile. Same process id: launchers, signals and locks see one program.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/requests.h"
#include "core/error.h"
#include "forensics/profile.h"

namespace telltale::cli {
namespace {

std::string compute_program() {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto beside = here / "telltale-compute", installed = here / "../libexec/telltale/telltale-compute";
  for (const auto& path : {beside, installed})
    if (access(path.c_str(), X_OK) == 0) return path;
  throw Error("the program that computes is missing: there is no " + beside.string() + ", and no " +
              installed.lexically_normal().string());
}

int compute(char** argv, const std::string& program) {
  execv(program.c_str(), argv);
  throw Error("cannot execute " + program + ": " + std::strerror(errno));
}

int compute_job(const std::optional<JobRequest>& request, bool coordinator_works, char** argv) {
  if (!request) return all_done;
  const std::string program = compute_program();
  take_profile(request->job, coordinator_works, argv, program.c_str());
  return compute(argv, program);
}

// What has no job file: the request itself names a profile, or none.
template <typename Request>
int compute_under(const std::optional<Request>& request, char** argv) {
  if (!request) return all_done;
  const std::string program = compute_program();
  if (request->profile) forensics::pin_and_reexecute(*request->profile, argv, program.c_str());
  return compute(argv, program);
}

bool coordinator_works(const std::optional<JobRequest>& request) {
  return request && request->job.flag("coordinator-works");
}

}  // namespace

int run_run(const Arguments& arguments, char** argv) {
  const auto request = read_run(arguments);
  return compute_job(request, coordinator_works(request), argv);
}

int run_plan(const Arguments& arguments, char** argv) {
  const auto request = read_plan(arguments);
  return compute_job(request, coordinator_works(request), argv);
}

int run_probe(const Arguments& arguments, char** argv) { return compute_job(read_probe(arguments), true, argv); }

int run_export_models(const Arguments& arguments, char** argv) {
  if (!read_export_models(arguments)) return all_done;
  return compute(argv, compute_program());
}

int run_validate(const Arguments& arguments, char** argv) {
  if (!read_validate(arguments)) return all_done;
  return compute(argv, compute_program());
}

int run_replay(const Arguments& arguments, char** argv) { return compute_under(read_replay(arguments), argv); }

int run_transform(const Arguments& arguments, char** argv) { return compute_under(read_transform(arguments), argv); }

void end_all_ranks(int) {}

}  // namespace telltale::cli
