// The commands that compute, as `telltale` does them: what they are asked is checked, then `telltale-compute` takes
// this process over, at once under its profile. Same process id: launchers, signals and locks see one program. A rank
// that only coordinates stays here.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/jobs.h"
#include "core/error.h"
#include "core/process.h"
#include "forensics/profile.h"
#include "study/experiment.h"

namespace telltale::cli {
namespace {

int compute(char** argv, const std::string& program) {
  execv(program.c_str(), argv);
  throw Error("cannot execute " + program + ": " + std::strerror(errno));
}

int compute_job(const JobRequest& request, bool coordinator_works, char** argv) {
  const std::string program = compute_program();
  take_profile(request.job, coordinator_works, argv, program.c_str());
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

// Whether other ranks compute, and this one hands out. Where the launcher does not say, this rank may be alone.
bool only_coordinates(const study::Job& job) {
  return under_launcher() && launcher_rank() == 0 && launcher_size() > 1 && !job.flag("coordinator-works");
}

// Whether a plan needs nothing of what this machine computes.
bool depends_on_no_machine(const study::Job& job) {
  const study::Experiment& experiment = study::experiment_named(job.experiment());
  return !experiment.needs_data() && experiment.subjects(job, nullptr).empty();
}

}  // namespace

std::string compute_program() {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto beside = here / "telltale-compute", installed = here / "../libexec/telltale/telltale-compute";
  for (const auto& path : {beside, installed})
    if (access(path.c_str(), X_OK) == 0) return path;
  throw Error("the program that computes is missing: there is no " + beside.string() + ", and no " +
              installed.lexically_normal().string());
}

int run_run(const Arguments& arguments, char** argv) {
  auto request = read_run(arguments);
  if (!request) return all_done;
  if (!only_coordinates(request->job)) return compute_job(*request, request->job.flag("coordinator-works"), argv);
  take_profile(request->job, false, argv);
  run_job(std::move(*request), {});
}

int run_plan(const Arguments& arguments, char** argv) {
  auto request = read_plan(arguments);
  if (!request) return all_done;
  const study::Job& job = request->job;
  if (!only_coordinates(job) && (under_launcher() || !depends_on_no_machine(job)))
    return compute_job(*request, job.flag("coordinator-works"), argv);
  take_profile(job, false, argv);
  plan_job(std::move(*request), {});
}

int run_probe(const Arguments& arguments, char** argv) {
  const auto request = read_probe(arguments);
  return request ? compute_job(*request, true, argv) : int{all_done};
}

int run_export_models(const Arguments& arguments, char** argv) {
  if (!read_export_models(arguments)) return all_done;
  return compute(argv, compute_program());
}

int run_answer(const Arguments& arguments, char** argv) {
  if (!read_answer(arguments)) return all_done;
  return compute(argv, compute_program());
}

int run_replay(const Arguments& arguments, char** argv) { return compute_under(read_replay(arguments), argv); }

int run_transform(const Arguments& arguments, char** argv) { return compute_under(read_transform(arguments), argv); }

}  // namespace telltale::cli
