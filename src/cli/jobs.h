// The commands that work on a job, on this rank, once it has its profile.
#pragma once

#include "cli/requests.h"
#include "study/computing.h"

namespace telltale::cli {

/// `telltale run`. A rank that only coordinates computes with nothing.
[[noreturn]] void run_job(JobRequest request, const study::Computing& computing);

/// `telltale plan`. Where the job's experiment has no subjects, no rank needs anything to compute with.
[[noreturn]] void plan_job(JobRequest request, const study::Computing& computing);

}  // namespace telltale::cli
