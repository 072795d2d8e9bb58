#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>

#include "cli/options.h"
#include "slurm/queries.h"
#include "slurm/starts.h"
#include "store/lock.h"
#include "study/records.h"

namespace telltale::cli {

int run_status(const Arguments& arguments, char**) {
  const Shape shape{"status", "RESULTS.h5", true, {}, false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const study::StudyPaths paths{options.argument};
  // Before the journal: a run that ends meanwhile is then seen complete, not as one that stopped with tasks open.
  const auto holder = store::RunLock::holder(paths.lock());
  if (const auto chain = slurm::Starts(paths.starts()).last(); chain && !std::filesystem::exists(paths.journal())) {
    std::cout << "study      submitted, and not begun yet\n";
    for (const std::string& job : chain->jobs) std::cout << "slurm      " << slurm::describe(job) << "\n";
    if (!chain->stopped.empty()) std::cout << "starts     no further one: " << chain->stopped << "\n";
    return stopped_early;
  }
  const study::StudyRecords records = study::read_records(paths.journal());

  if (records.head) {
    const Json& head = *records.head;
    std::cout << "study      " << head.at("title").get<std::string>()
              << (head.at("title") == "" ? head.at("job_path").get<std::string>() : "") << "\nbegun      "
              << study::utc_text(head.at("created_s")) << ", " << records.sessions.size() << " start"
              << (records.sessions.size() == 1 ? "" : "s") << "\n";
  } else {
    std::cout << "study      unknown: the journal's head records are damaged\n";
  }
  if (!records.sessions.empty() && records.sessions.back().contains("slurm_job")) {
    std::cout << "slurm      " << slurm::describe(records.sessions.back()["slurm_job"].get<std::string>()) << "\n";
  }
  if (const auto chain = slurm::Starts(paths.starts()).last(); chain && !chain->stopped.empty())
    std::cout << "starts     no further one: " << chain->stopped << "\n";
  std::cout << "now        " << (holder ? "running: " + *holder : std::string("not running")) << "\n";

  std::size_t done = 0, failed = 0;
  double worked_s = 0;
  std::map<std::string, std::size_t> reasons;
  // The rate of this start: what has been committed since it began.
  const double started_s = records.sessions.empty() ? 0 : records.sessions.back().at("started_s").get<double>();
  std::size_t since = 0;
  for (const auto& [identity, outcome] : records.outcomes) {
    if (outcome.status == TaskStatus::done)
      ++done;
    else {
      ++failed;
      ++reasons[outcome.reason];
    }
    worked_s += outcome.seconds;
    since += outcome.finished_s >= started_s;
  }
  const std::size_t total = records.planned_tasks();
  std::cout << "tasks      " << done << " of " << total << " done, " << failed << " failed, "
            << total - std::min(total, done + failed) << " open\n";
  std::cout << "work       " << duration_text(worked_s) << " of rank time committed\n";

  // While it runs, the coordinator says itself how it goes.
  const Json live = holder ? study::read_progress(paths) : Json();
  if (!live.is_null()) {
    const double left_s = live.at("left_s");
    char line[160];
    std::snprintf(line, sizeof line, "running    %zu tasks; %.3g tasks/s, %s left\n",
                  live.at("running").get<std::size_t>(), live.at("tasks_per_s").get<double>(),
                  duration_text(left_s).c_str());
    std::cout << line;
  } else if (!records.sessions.empty() && total > done + failed && since > 0) {
    const double until_s = records.last_commit_s;
    const double elapsed_s = std::max(1e-3, until_s - started_s);
    const double rate = static_cast<double>(since) / elapsed_s;
    char line[160];
    std::snprintf(line, sizeof line, "rate       %.3g tasks/s in the last start; at that rate %s left\n", rate,
                  duration_text(static_cast<double>(total - done - failed) / rate).c_str());
    std::cout << line;
  }
  if (records.last_commit_s > 0)
    std::cout << "last       committed " << duration_text(std::max(0.0, unix_time_s() - records.last_commit_s))
              << " ago\n";
  std::cout << "published  " << (std::filesystem::exists(paths.results) ? paths.results : std::string("nothing yet"))
            << "\n";
  for (const auto& [reason, count] : reasons) std::cout << "failed     " << count << " x " << reason << "\n";
  for (const store::Damage& damage : records.damages)
    std::cout << "damaged    journal byte " << damage.offset << ": " << damage.what
              << "; computed again at the next start\n";
  if (total > done + failed) return holder ? all_done : stopped_early;
  return failed > 0 ? some_failed : all_done;
}

}  // namespace telltale::cli
