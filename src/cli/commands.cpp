#include "cli/command.h"

namespace telltale::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"probe", "probe", "the environment of every rank, and what falls together", run_probe},
      {"plan", "plan JOB", "axes, cases, tasks, what is there, time estimate; runs nothing", run_plan},
      {"run", "run JOB -o RESULTS.h5", "runs, or resumes", run_run},
      {"status", "status RESULTS.h5", "done, failed, rate, time left; while it runs or after a crash", run_status},
      {"verify", "verify RESULTS.h5", "re-hashes everything; says what is missing or damaged", run_verify},
      {"report", "report RESULTS.h5", "the paper's tables beside the measured ones", run_report},
      {"page", "page FOLDER -o DOCS", "pages of evidence from the results files of many studies, in Markdown",
       run_page},
      {"export", "export RESULTS.h5 FOLDER",
       "boundary samples, to ask a service about; with --models the trained models", run_export},
      {"submit", "submit JOB -o RESULTS.h5", "runs a study as jobs of Slurm, begun again until it is done", run_submit},
      {"starts", "starts RESULTS.h5", "the starts of a study under Slurm, and how each ended", run_starts},
      {"validate", "validate FOLDER", "under mpirun or srun: whether these nodes and this folder do for studies",
       run_validate},
      {"identify", "identify RESULTS.h5 ANSWERS.csv", "the known machine that a service's answers betray",
       run_identify},
      {"key", "key RESULTS.h5 -o KEY.h5", "an owner's key out of a study of watermarks, with its commitment", run_key},
      {"claim", "claim KEY.h5 SUSPECT", "whether a model, or a service's answers, prove the key's owner right",
       run_claim},
      {"answer", "answer MODEL QUERIES.npy", "what a model answers, in a process that can reach nothing", run_answer},
      {"transform", "transform TRANSFORM IMAGES -o OUT",
       "images as the owner's device hands them to an anti-piracy network", run_transform},
      {"replay", "replay --model M --points P -o OUT", "predictions of stored inputs, here and under this profile",
       run_replay},
  };
  return table;
}

}  // namespace telltale::cli
