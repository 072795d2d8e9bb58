// A study as jobs of Slurm: the words of sbatch, and what it answers. Nothing of it goes through a shell.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/command.h"
#include "core/embedded.h"
#include "slurm/site.h"

namespace telltale::slurm {

struct Submission {
  std::string script;                  ///< what each start runs: slurm/study.sbatch, or a user's own
  std::vector<std::string> arguments;  ///< of the script
  std::string name;                    ///< of the job; Slurm's log is `log`
  std::string log;
  std::vector<NodeCount> nodes{{}};
  int ranks_a_node = 1;
  std::string time;                       ///< overrides the site's
  std::vector<std::string> dependencies;  ///< "afternotok:12"
};

/// The batch scripts of the repository's folder slurm/.
const std::vector<EmbeddedFile>& scripts();

/// sbatch and its words. Throws InputError for nodes that this site cannot give as one job.
std::vector<std::string> sbatch_words(const Site& site, const Submission& submission);

/// Variables that the script reads: NAME=value.
std::vector<std::string> variables_of_script(const Site& site);

/// Runs sbatch with these words to its end. Throws InputError if there is no Slurm.
CommandResult run_sbatch(const Site& site, const std::vector<std::string>& words, std::chrono::milliseconds limit);

/// Submits; returns the job's id. Throws InputError with Slurm's own words if it refuses, or if there is no Slurm.
std::string submit(const Site& site, const Submission& submission);

/// What Slurm says that it would do (sbatch --test-only). Throws as submit() does.
std::string test_only(const Site& site, const Submission& submission);

/// As one would type it: words that a shell would change are in quotes.
std::string as_typed(const std::vector<std::string>& words);

/// A job name made of letters, digits, '.', '_' and '-'.
std::string job_name(const std::string& text);

}  // namespace telltale::slurm
