// What Slurm prints of a job's end. The rest is tested with a real Slurm (tests/slurm).
#include "slurm/queries.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace telltale::slurm {
namespace {

TEST(JobEnd, IsASecondOrNone) {
  EXPECT_EQ(end_printed_by_squeue("1795954245\n"), 1795954245);
  for (const char* text : {"NONE\n", "", "N/A\n", "-5\n", "2026-11-29T12:10:45\n"})
    EXPECT_FALSE(end_printed_by_squeue(text)) << text;
}

TEST(JobEnd, AJobIdIsANumberAndNothingElse) {
  const char* before = std::getenv("SLURM_JOB_ID");
  const std::string kept = before == nullptr ? "" : before;
  setenv("SLURM_JOB_ID", "123", 1);
  EXPECT_EQ(job_id(), "123");
  for (const char* hostile : {"", "12; ls", "--all"}) {
    setenv("SLURM_JOB_ID", hostile, 1);
    EXPECT_FALSE(job_id()) << hostile;
  }
  if (kept.empty())
    unsetenv("SLURM_JOB_ID");
  else
    setenv("SLURM_JOB_ID", kept.c_str(), 1);
}

}  // namespace
}  // namespace telltale::slurm
