#include "slurm/starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "slurm/queries.h"
#include "study/records.h"

namespace telltale::cli {
namespace {

slurm::Standing standing_of(const study::StudyPaths& paths) {
  slurm::Standing standing;
  if (!std::filesystem::exists(paths.journal())) return standing;
  const study::StudyRecords records = study::read_records(paths.journal());
  const std::size_t planned = records.planned_tasks();
  for (const auto& [identity, outcome] : records.outcomes) standing.done += outcome.status == TaskStatus::done;
  standing.complete = planned > 0 && records.outcomes.size() >= planned;
  return standing;
}

slurm::Budgets budgets_of(const Options& options) {
  const auto number = [&](const char* name, int fallback) {
    return static_cast<int>(std::clamp<long long>(options.whole_number(name, fallback), 1, 1000000));
  };
  slurm::Budgets budgets;
  budgets.interruptions = number("interruptions", budgets.interruptions);
  budgets.time_limits = number("time-limits", budgets.time_limits);
  budgets.failures = number("failures", budgets.failures);
  budgets.idle = number("idle", budgets.idle);
  return budgets;
}

// The batch script's question before it begins. Exit code 1: it should not.
int begin(const study::StudyPaths& paths, const slurm::Budgets& budgets) {
  const auto job = slurm::job_id();
  if (!job) throw InputError("--begin is for batch scripts of Slurm: there is no SLURM_JOB_ID");
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  const slurm::Standing now = standing_of(paths);
  const slurm::Starts starts(paths.starts());
  std::string reason;
  // Slurm may begin a job again that is done (24.11 does, once it has pushed it out): such a start ends at once, and
  // well.
  const auto chain = starts.last();
  const bool is_done = chain && !chain->starts.empty() && chain->starts.back().exit_code == all_done;
  if (chain && chain->holds(*job) && !is_done) {
    reason = chain->stopped.empty() ? why_no_further_start(*chain, now, budgets) : chain->stopped;
    if (reason.empty() && !chain->starts.empty() && chain->starts.back().job != *job) {
      const std::string& before = chain->starts.back().job;
      if (slurm::state_of(before).value_or("").starts_with("CANCELLED"))
        reason = fmt::format("job {} was cancelled, and this one was queued behind it", before);
    }
  }
  if (reason.empty()) {
    starts.note_begin(*job, restarts == nullptr ? 0 : std::atoi(restarts), now);
    return all_done;
  }
  starts.note_stop(reason);
  std::cerr << "telltale starts: no further start of " << paths.results << ": " << reason << "\n";
  return some_failed;
}

// Its question at the end. Exit code 1: there should be no further start.
int end(const study::StudyPaths& paths, int code, bool is_last, const slurm::Budgets& budgets) {
  const slurm::Starts starts(paths.starts());
  const slurm::Standing now = standing_of(paths);
  starts.note_end(code, now);
  const auto chain = starts.last();
  std::string reason = chain ? why_no_further_start(*chain, now, budgets) : "";
  if (reason.empty() && is_last) reason = "somebody asked it to stop";
  if (reason.empty()) return all_done;
  starts.note_stop(reason);
  if (code != all_done) std::cerr << "telltale starts: no further start of " << paths.results << ": " << reason << "\n";
  return some_failed;
}

void show(const study::StudyPaths& paths) {
  const auto chain = slurm::Starts(paths.starts()).last();
  if (!chain) throw InputError("there is no " + paths.starts() + ": nothing was submitted to Slurm");
  std::string text = fmt::format("{:<12} {:>7}  {:<24} {:>9}  {:>9}  {:>9}  {}\n", "job", "restart", "begun", "took",
                                 "done then", "done since", "end");
  for (std::size_t i = 0; i < chain->starts.size(); ++i) {
    const slurm::Start& start = chain->starts[i];
    const bool is_last = i + 1 == chain->starts.size();
    const std::size_t after = start.exit_code ? start.done_after
                              : is_last       ? standing_of(paths).done
                                              : chain->starts[i + 1].done_before;
    text += fmt::format("{:<12} {:>7}  {:<24} {:>9}  {:>9}  {:>9}  {}\n", start.job, start.restart,
                        study::utc_text(start.begun_s),
                        start.exit_code ? duration_text(start.ended_s - start.begun_s) : "?", start.done_before,
                        after - std::min(after, start.done_before), how_it_ended(start));
  }
  if (chain->starts.empty()) text = "submitted, and not begun yet\n";
  if (!chain->stopped.empty()) text += "no further start: " + chain->stopped + "\n";
  for (const std::string& job : chain->jobs) text += slurm::describe(job) + "\n";
  std::cout << text;
}

}  // namespace

int run_starts(const Arguments& arguments, char**) {
  const Shape shape{.command = "starts",
                    .argument = "RESULTS.h5",
                    .own = {{"begin", "for batch scripts: a start begins; exit code 1 if there should be none", false},
                            {"end",
                             "for batch scripts: the exit code of the start that ended; exit code 1 if there "
                             "should be no further one"},
                            {"last", "with --end: in any case", false},
                            {"interruptions",
                             "with --begin and --end: no further start after so many that were killed "
                             "from outside: preemption, a node's failure [default 100]"},
                            {"time-limits", "likewise, that were stopped by their time limit [default 1000]"},
                            {"failures", "likewise, that failed in any other way [default 3]"},
                            {"idle", "likewise, in a row that brought not a single new result [default 3]"}}};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const study::StudyPaths paths{options.argument};
  if (options.value("begin")) return begin(paths, budgets_of(options));
  if (options.value("end"))
    return end(paths, static_cast<int>(options.whole_number("end", 0)), options.value("last").has_value(),
               budgets_of(options));
  show(paths);
  return all_done;
}

}  // namespace telltale::cli
