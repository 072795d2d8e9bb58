#include "study/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "cluster/agreement.h"
#include "cluster/crash_note.h"
#include "cluster/worker.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "slurm/queries.h"
#include "study/desk.h"

namespace telltale::study {
namespace {

using Clock = std::chrono::steady_clock;

// How long this start may still take: as the job says, else until a while before Slurm ends it, in which what runs is
// stopped, and everything comes to the disk. Asked again and again: Slurm's end may be moved.
std::function<double()> time_left_of(const Job& job, Clock::time_point start, const RunOptions& options) {
  constexpr double no_limit = cluster::Scheduler::no_limit;
  if (const double limit_s = job.number("time-limit"); limit_s > 0)
    return [=] { return limit_s - seconds_since(start); };
  const auto slurm_job = slurm::job_id();
  if (!slurm_job) return [] { return no_limit; };
  constexpr auto between_questions = std::chrono::seconds(30);
  const auto watch = std::make_shared<slurm::JobEnd>(*slurm_job, between_questions, [](std::optional<double> end) {
    if (end)
      log::info("Slurm ends this job in {:.0f} s: that was changed", *end - unix_time_s());
    else
      log::info("Slurm no longer limits this job");
  });
  // Jobs of minutes have less of it, but what stops always gets its seconds.
  constexpr double least = 10, most = 60, share = 1.0 / 6;
  const auto end = watch->unix_s();
  const double before_s = end ? std::clamp(share * (*end - unix_time_s()), least, most) : most;
  if (end)
    options.say(fmt::format("Slurm ends this job in {:.0f} s; {:.0f} s before that the study stops, to be resumed",
                            *end - unix_time_s(), before_s));
  return [watch, before_s, may_be_moved = options.end_may_be_moved] {
    if (may_be_moved != nullptr && may_be_moved->exchange(false)) watch->ask_again();
    const auto known = watch->unix_s();
    return known ? *known - unix_time_s() - before_s : no_limit;
  };
}

cluster::WorkerOptions worker_options(const Job& job, const std::string& environment,
                                      std::vector<int> environment_of_rank, cluster::Responder responder) {
  cluster::WorkerOptions options;
  options.environment_of_rank = std::move(environment_of_rank);
  options.responder = std::move(responder);
  options.tasks_asking = static_cast<int>(job.integer("searches-in-flight"));
  options.environment = environment;
  if (job.number("task-time-limit") > 0) options.task_time_limit_s = job.number("task-time-limit");
  options.checkpoint_interval_s = job.number("checkpoint-interval");
  options.rank_timeout_s = job.number("rank-timeout");
  return options;
}

// The environments' speeds relative to the one whose rates the costs were estimated with.
std::vector<double> relative_speeds(const Session& session) {
  const auto& rates = session.environments.train_step_s;
  const auto total = [&](std::size_t e) {
    double seconds = 0;
    for (const auto& [subject, s] : rates[e]) seconds += s;
    return seconds;
  };
  const double reference = total(static_cast<std::size_t>(std::max(0, session.binding.trainer)));
  std::vector<double> speeds;
  for (std::size_t e = 0; e < rates.size(); ++e)
    speeds.push_back(total(e) > 0 && reference > 0 ? reference / total(e) : 1.0);
  return speeds;
}

}  // namespace

RunReport run_study(Job job, cluster::Communicator& communicator, const RunOptions& options) {
  const auto start = Clock::now();
  // On the heap: when a task's thread does not come back, what it uses must stay.
  auto session = std::make_unique<Session>(gather(std::move(job), communicator, options.computing));
  cluster::agree(communicator, [&] { require_computing(*session, communicator, options.computing); });
  std::optional<Desk> desk;
  std::vector<cluster::WorkItem> items;
  const Json assigned = cluster::on_coordinator(communicator, [&]() -> Json {
    const auto planning = Clock::now();
    desk.emplace(*session, options);
    items = desk->work_items();
    desk->report.plan_s = seconds_since(planning);
    Json names = Json::array();
    for (const Environment& environment : session->environments.list) names.push_back(environment.name);
    return {{"names", names}, {"of_rank", session->environments.of_rank}};
  });

  cluster::WorkerOptions worker;
  cluster::Executor executor;
  std::optional<cluster::CrashNote> crash_note;
  cluster::CoordinatorOptions coordinator;
  // From here on the workers wait for nobody but the coordinator: whatever can fail on one rank comes before.
  cluster::agree(communicator, [&] {
    const auto names = assigned.at("names").get<std::vector<std::string>>();
    auto environment_of_rank = assigned.at("of_rank").get<std::vector<int>>();
    const int mine = environment_of_rank.at(static_cast<std::size_t>(communicator.rank()));
    if (!session->computes[0]) environment_of_rank[0] = -1;
    worker = worker_options(session->job, mine < 0 ? "" : names.at(static_cast<std::size_t>(mine)), environment_of_rank,
                            options.computing.responder);
    if (options.computing) executor = options.computing.make_executor(session->data.get(), session->other_data);
    crash_note.emplace(StudyPaths{options.output}.crash_notes(), communicator.rank());
    if (communicator.rank() != 0) return;
    coordinator.environment_of_rank = session->environments.of_rank;
    coordinator.environments = names;
    coordinator.speeds = relative_speeds(*session);
    coordinator.works = session->computes[0];
    coordinator.retries = static_cast<int>(session->job.integer("retries"));
    coordinator.time_left_s = time_left_of(session->job, start, options);
    coordinator.stop_signal = options.stop_signal;
    coordinator.worker = worker;
    coordinator.progress_interval_s = 0.25;
    coordinator.progress = [&](const cluster::Progress& progress) {
      options.progress(progress);
      desk->show_progress(progress);
      desk->publish_now_and_then();
    };
    for (const std::string& note : desk->report.notes) {
      options.say(note);
      log::info("{}", note);
    }
  });

  RunReport report;
  if (communicator.rank() == 0) {
    cluster::unwaited([&] {
      try {
        desk->finish(cluster::coordinate(communicator, items, desk->known(), desk->ledger(), executor, coordinator));
      } catch (const store::JournalTakenOver& loss) {
        desk->report.taken_over = loss.what();
      }
    });
    report = desk->report;
    report.seconds = seconds_since(start);
  } else {
    report.stuck = cluster::work(communicator, executor, worker).stuck;
  }
  if (report.stuck) static_cast<void>(session.release());
  return report;
}

}  // namespace telltale::study
