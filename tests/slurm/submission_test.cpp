#include "slurm/submission.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"

namespace telltale::slurm {
namespace {

const Site site = Site::parse(
    "account = p1\ntime = 4:00:00\n[nodes haswell]\n[nodes zen3]\nfeature = milan\n[nodes far]\npartition = other\n",
    "site.ini");

Submission submission_on(const std::string& nodes) {
  Submission submission;
  submission.script = "x.h5.sbatch";
  submission.arguments = {"x.ini", "x.h5"};
  submission.name = "telltale-x";
  submission.log = "x.h5.log";
  submission.nodes = parse_nodes(nodes);
  return submission;
}

std::string typed(const Site& at, const Submission& submission) { return joined(sbatch_words(at, submission), " "); }

TEST(Submission, OfMixedNodesIsOneAllocationWithCountedConstraints) {
  EXPECT_EQ(typed(site, submission_on("haswell:2,zen3:2")),
            "sbatch --job-name=telltale-x --output=x.h5.log --time=4:00:00 --requeue --account=p1 --nodes=4 "
            "--ntasks-per-node=1 --constraint=[haswell*2&milan*2] x.h5.sbatch x.ini x.h5");
}

TEST(Submission, OfNodesOfOneKindOrOfAnyNeedsNoCounting) {
  EXPECT_NE(typed(site, submission_on("zen3:3")).find("--nodes=3 --ntasks-per-node=1 --constraint=milan x.h5.sbatch"),
            std::string::npos);
  EXPECT_NE(typed(Site{}, submission_on("3")).find("--requeue --nodes=3 --ntasks-per-node=1 x.h5.sbatch"),
            std::string::npos);
}

TEST(Submission, AcrossPartitionsIsAJobOfSeveralPartsOrNone) {
  EXPECT_THROW(sbatch_words(site, submission_on("haswell:2,far:1")), InputError);
  Site parts = site;
  parts.allocation = Allocation::heterogeneous;
  EXPECT_NE(
      typed(parts, submission_on("haswell:2,far:1"))
          .find("--account=p1 --nodes=2 --ntasks-per-node=1 --constraint=haswell : --partition=other --account=p1 "
                "--nodes=1 --ntasks-per-node=1 --constraint=far x.h5.sbatch"),
      std::string::npos);
}

TEST(Submission, WaitsForWhatItFollows) {
  Submission submission = submission_on("1");
  submission.dependencies = {"afternotok:12"};
  EXPECT_NE(typed(Site{}, submission).find(" --dependency=afternotok:12 --kill-on-invalid-dep=yes "),
            std::string::npos);
}

TEST(Submission, TellsTheScriptWhatTheSiteDoesOtherwise) {
  EXPECT_TRUE(variables_of_script(Site{}).empty());
  const Site other = Site::parse("launcher = srun\nrequeue = no\n", "site.ini");
  EXPECT_EQ(variables_of_script(other), (std::vector<std::string>{"TELLTALE_LAUNCHER=srun", "TELLTALE_REQUEUE=no"}));
  EXPECT_NE(typed(other, submission_on("1")).find(" --no-requeue "), std::string::npos);
}

TEST(Submission, NoNameReachesAShellOrSlurmsPatterns) {
  EXPECT_EQ(job_name("a b/$(reboot);%j"), "telltale-a_b___reboot___j");
  Submission submission = submission_on("1");
  submission.log = "100%j.log";
  EXPECT_NE(typed(Site{}, submission).find("--output=100%%j.log"), std::string::npos);
  EXPECT_EQ(as_typed({"sbatch", "a b", "it's", "$(reboot)", "", "[a*2&b*2]", "x=1"}),
            "sbatch 'a b' 'it'\\''s' '$(reboot)' '' '[a*2&b*2]' x=1");
}

}  // namespace
}  // namespace telltale::slurm
