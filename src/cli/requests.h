// What the commands that compute are asked. `telltale` reads and checks it before it starts `telltale-compute`, which
// reads it again: what cannot be used is refused before LibTorch is loaded.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "study/job.h"

namespace telltale::cli {

/// Of `run`, `plan` and `probe`.
struct JobRequest {
  Options options;
  study::Job job;
};

struct ReplayRequest {
  bool serves = false;  ///< requests come from standard input, instead of:
  std::string model, points, output;
  int batch = 1;
  std::optional<std::string> profile;  ///< by its one name; this CPU can run it
};

struct TransformRequest {
  std::string transform, images, data_dir, output;
  std::optional<std::string> profile;  ///< as above
};

/// Each throws InputError for what cannot be used; nothing is returned when `--help` was asked for and has been
/// printed.
std::optional<JobRequest> read_run(const Arguments& arguments);
std::optional<JobRequest> read_plan(const Arguments& arguments);
std::optional<JobRequest> read_probe(const Arguments& arguments);
std::optional<ReplayRequest> read_replay(const Arguments& arguments);
/// Of `transform`: its arguments are the transform and the images.
std::optional<TransformRequest> read_transform(const Arguments& arguments);
/// Of `answer`: its arguments are the model and the queries.
struct AnswerRequest {
  std::string model, queries;
  double memory_gib = 0;
};
std::optional<AnswerRequest> read_answer(const Arguments& arguments);
/// Of `validate`: its argument is the folder.
std::optional<Options> read_validate(const Arguments& arguments);
/// Of `export --models`.
std::optional<Options> read_export_models(const Arguments& arguments);

/// The program that computes. Throws Error if it does not lie where it should.
std::string compute_program();

/// Pins this rank to its profile out of the job's list and executes `program` under it; returns when this process has
/// the profile already. Throws InputError, naming where the list stands and the profile, if there is none of that name
/// or this CPU cannot run it.
void take_profile(const study::Job& job, bool coordinator_works, char** argv, const char* program = "/proc/self/exe");

}  // namespace telltale::cli
