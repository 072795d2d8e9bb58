#include "study/run.h"

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
#include "core/error.h"
#include "core/log.h"
#include "store/artifacts.h"
#include "store/lock.h"
#include "study/ledger.h"
#include "study/results.h"

namespace telltale::study {
namespace {

/// A task whose rank crashed this often while it ran is not handed out again.
constexpr int crashes_of_a_poisonous_task = 2;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void append(store::Journal& journal, RecordType type, const Json& content) {
  const std::string text = canonical(content);
  journal.append(static_cast<std::uint32_t>(type), as_bytes(text));
}

// Slurm tells the end of the job as Unix time; a minute before it, everything must be on disk.
std::optional<double> slurm_seconds_left() {
  const char* end = std::getenv("SLURM_JOB_END_TIME");
  if (end == nullptr) return std::nullopt;
  return std::strtod(end, nullptr) - unix_time_s() - 60;
}

std::optional<Clock::time_point> deadline_of(const Job& job, Clock::time_point start) {
  std::optional<double> seconds;
  if (job.number("time-limit") > 0)
    seconds = job.number("time-limit");
  else
    seconds = slurm_seconds_left();
  if (!seconds) return std::nullopt;
  return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::max(0.0, *seconds)));
}

// What the coordinator holds while a study runs.
class Desk {
 public:
  Desk(Session& session, const RunOptions& options)
      : session_(session), options_(options), paths_{options.output}, lock_(paths_.lock(), paths_.results) {
    const bool resumed = std::filesystem::exists(paths_.journal());
    if (!resumed && std::filesystem::exists(paths_.results))
      throw InputError(paths_.results + " exists but its journal " + paths_.journal() +
                       " does not: it cannot be resumed; choose another output, or move it away");
    if (resumed) records_ = read_records(paths_.journal());
    const bool begun = records_.head.has_value();
    if (resumed && !begun && !records_.outcomes.empty())
      throw InputError(paths_.journal() + ": both head records are damaged: nothing says what its " +
                       std::to_string(records_.outcomes.size()) + " results belong to; choose another output");
    make_plan(session_, begun ? &records_ : nullptr);

    // Only now is anything written.
    journal_.emplace(paths_.journal(), store::JournalOptions{.fsync = session_.job.flag("durable")});
    artifacts_.emplace(paths_.artifacts(session_.job.text("artifacts")));
    if (!begun) {
      const Json head = head_of(session_);
      for (int copy = 0; copy < 2; ++copy) append(*journal_, RecordType::head, head);
      journal_->flush();
      records_ = read_records(paths_.journal());
    }
    for (const store::Damage& damage : records_.damages)
      report.notes.push_back(paths_.journal() + ": damage at byte " + std::to_string(damage.offset) + " (" +
                             damage.what + "): skipped; what it held is computed again");
    ledger_.emplace(session_.plan, *journal_, *artifacts_);
    take_crash_notes();
    decide_what_is_known();
    note_missing_environments();
    append(*journal_, RecordType::session, session_record());
    journal_->flush();
  }

  [[nodiscard]] std::vector<std::optional<TaskStatus>> known() const { return known_; }
  [[nodiscard]] JournalLedger& ledger() { return *ledger_; }
  [[nodiscard]] std::vector<cluster::WorkItem> work_items() const {
    std::vector<cluster::WorkItem> items;
    items.reserve(session_.plan.tasks.size());
    for (const PlannedTask& task : session_.plan.tasks) {
      const std::string payload = canonical(message_of(task.payload, task.hints));
      items.push_back({task.identity, Bytes(payload.begin(), payload.end()), task.cost_s, task.prerequisites,
                       task.environments, task.keeps_checkpoints, task.asks});
    }
    return items;
  }

  // For `telltale status`. Not durable, and nothing depends on it.
  void show_progress(const cluster::Progress& p) const {
    const Json shown = {{"at_s", unix_time_s()},
                        {"done", p.done},
                        {"failed", p.failed},
                        {"running", p.running},
                        {"remaining", p.remaining},
                        {"tasks_per_s", p.tasks_per_s},
                        {"left_s", p.cost_per_s > 0 ? p.remaining_cost_s / p.cost_per_s : -1.0}};
    const std::string temporary = paths_.progress() + ".new";
    std::ofstream(temporary) << shown.dump() << "\n";
    std::rename(temporary.c_str(), paths_.progress().c_str());
  }

  // Publishes in the background when the interval has passed; the study goes on meanwhile.
  void publish_now_and_then() {
    const double interval = session_.job.number("publish-interval");
    if (interval <= 0 || Clock::now() - last_published_ < std::chrono::duration<double>(interval)) return;
    if (publishing_.valid() && publishing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    collect_publishing();
    last_published_ = Clock::now();
    publishing_ = std::async(std::launch::async, [this] {
      publish(session_, paths_, *journal_);
      log::info("{} is published: a partial results file", paths_.results);
    });
  }

  void finish(const cluster::Summary& summary) {
    collect_publishing();
    std::remove(paths_.progress().c_str());
    ledger_->flush();
    report.tasks_s = summary.wall_s;
    report.median_commit_s = journal_->median_commit_s();
    for (const cluster::Served& served : summary.served) {
      if (served.questions == 0) continue;
      report.questions += served.questions;
      report.answering_s += served.seconds;
      ++report.answerers;
    }
    const auto publishing = Clock::now();
    publish(session_, paths_, *journal_);
    report.results_s = seconds_since(publishing);
    log::info("{} is published in {:.3g} s", paths_.results, report.results_s);
    report.tasks = session_.plan.tasks.size();
    report.done = summary.done;
    report.failed = summary.failed;
    report.remaining = summary.remaining;
    report.stopped = summary.stopped;
    report.stop_reason = summary.reason;
    report.stuck = summary.stuck;
    if (summary.done < report.tasks) name_failures();
    for (const auto& rank : summary.ranks_set_aside)
      report.notes.push_back("rank " + std::to_string(rank.rank) + " was set aside: " + rank.reason);
  }

  RunReport report;

 private:
  // A partial file that could not be written is no reason to stop: the journal is what counts.
  void collect_publishing() {
    if (!publishing_.valid()) return;
    try {
      publishing_.get();
    } catch (const std::exception& error) {
      options_.say(std::string("no partial results file this time: ") + error.what());
      log::info("no partial results file this time: {}", error.what());
    }
  }

  // Those of earlier starts too, which are tried again: why they failed stands in the journal alone.
  void name_failures() {
    const StudyRecords records = read_records(paths_.journal());
    for (const PlannedTask& task : session_.plan.tasks) {
      const auto found = records.outcomes.find(task.identity);
      if (found != records.outcomes.end() && found->second.status == TaskStatus::failed)
        report.failures.push_back({task.stage + " " + task.identity.brief(), found->second.reason});
    }
  }

  void take_crash_notes() {
    for (const cluster::Crash& crash : cluster::read_crash_notes(paths_.crash_notes())) {
      append(*journal_, RecordType::crash, {{"task", crash.identity.hex()}, {"signal", strsignal(crash.signal)}});
      ++records_.crashes[crash.identity];
      log::info("a rank crashed at task {} in an earlier start: {}", crash.identity.brief(), strsignal(crash.signal));
    }
  }

  // Done: as the journal or the artifact store says. What failed at an earlier start is tried again.
  void decide_what_is_known() {
    const auto& tasks = session_.plan.tasks;
    known_.assign(tasks.size(), std::nullopt);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (records_.is_done(tasks[i].identity)) {
        known_[i] = TaskStatus::done;
      } else if (tasks[i].has_artifact && take_over(tasks[i].identity)) {
        known_[i] = TaskStatus::done;
        ++report.reused;
      } else if (const int crashes = records_.crashes_of(tasks[i].identity); crashes >= crashes_of_a_poisonous_task) {
        Outcome outcome;
        outcome.identity = tasks[i].identity;
        outcome.status = TaskStatus::failed;
        outcome.reason = "its rank crashed " + std::to_string(crashes) + " times while it ran: not handed out again";
        outcome.finished_s = unix_time_s();
        journal_->append(static_cast<std::uint32_t>(RecordType::outcome), encode(outcome));
        known_[i] = TaskStatus::failed;
        log::info("task {} is set aside as poisonous: {}", outcome.identity.brief(), outcome.reason);
      }
    }
    // A product that tasks still need but that is gone or damaged is made again, and so on with what that needs.
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tasks.size(); ++i)
      if (!known_[i]) open.push_back(i);
    std::set<std::size_t> looked_at;
    while (!open.empty()) {
      const std::size_t task = open.back();
      open.pop_back();
      for (const std::size_t i : tasks[task].prerequisites) {
        if (known_[i] != TaskStatus::done || !looked_at.insert(i).second) continue;
        if (artifacts_->check(product_kind, tasks[i].identity) == store::PartState::good) continue;
        known_[i].reset();
        open.push_back(i);
        report.notes.push_back("the product of " + tasks[i].stage + " " + tasks[i].identity.brief() +
                               " is missing or damaged: made again");
      }
    }
  }

  // A product of another job file (or of a journal that was lost): its outcome becomes ours.
  bool take_over(const Identity& identity) {
    const auto packed = artifacts_->get(product_kind, identity);
    if (!packed) return false;
    const Product product = unpack_product(*packed);
    const OutcomeHead head = peek_outcome(product.encoded_outcome);
    if (head.identity != identity || head.status != TaskStatus::done) return false;
    journal_->append(static_cast<std::uint32_t>(RecordType::outcome), product.encoded_outcome);
    return true;
  }

  void note_missing_environments() {
    const auto& placed = session_.environments.of_rank;
    std::set<int> needed;  // environments that alone can compute something open
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (const auto& able = session_.plan.tasks[i].environments; !known_[i] && able.size() == 1)
        needed.insert(able.front());
    for (std::size_t e = 0; e < session_.environments.list.size(); ++e)
      if (needed.contains(static_cast<int>(e)) &&
          std::find(placed.begin(), placed.end(), static_cast<int>(e)) == placed.end())
        report.notes.push_back("no rank has the environment " + session_.environments.list[e].name +
                               " of this study's first start: what only it can compute stays open");
    for (std::size_t rank = 0; rank < placed.size(); ++rank) {
      if (!session_.computes[rank] || placed[rank] >= 0) continue;
      const auto& unrepeated = session_.ranks[rank].fingerprints.unrepeated;
      report.notes.push_back("rank " + std::to_string(rank) + " (" + profile_of(session_.ranks[rank]) + " on " +
                             host_of(session_.ranks[rank]) + ") computes nothing: " +
                             (unrepeated.empty() ? "its environment is none of this study's"
                                                 : "it does not repeat its own bits in " + unrepeated.front()));
    }
  }

  [[nodiscard]] Json session_record() const {
    Json ranks = Json::array();
    for (std::size_t rank = 0; rank < session_.ranks.size(); ++rank) {
      const int environment = session_.environments.of_rank[rank];
      ranks.push_back({{"host", host_of(session_.ranks[rank])},
                       {"profile", profile_of(session_.ranks[rank])},
                       {"environment",
                        environment < 0 ? "" : session_.environments.list[static_cast<std::size_t>(environment)].name},
                       {"computes", bool{session_.computes[rank]}},
                       {"passport", session_.ranks[rank].passport}});
    }
    double open_cost = 0;
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (!known_[i]) open_cost += session_.plan.tasks[i].cost_s;
    return {{"started_s", unix_time_s()},
            {"pid", getpid()},
            {"ranks", ranks},
            {"plan", plan_totals(session_.plan)},
            {"cases", session_.plan.cases},
            {"open_cost_s", open_cost}};
  }

  Session& session_;
  const RunOptions& options_;
  StudyPaths paths_;
  store::RunLock lock_;
  StudyRecords records_;
  std::optional<store::Journal> journal_;
  std::optional<store::ArtifactStore> artifacts_;
  std::optional<JournalLedger> ledger_;
  std::vector<std::optional<TaskStatus>> known_;
  std::future<void> publishing_;
  Clock::time_point last_published_ = Clock::now();
};

cluster::WorkerOptions worker_options(const Job& job, const std::string& environment,
                                      std::vector<int> environment_of_rank, cluster::Responder responder) {
  cluster::WorkerOptions options;
  options.environment_of_rank = std::move(environment_of_rank);
  options.responder = std::move(responder);
  options.tasks_asking = static_cast<int>(job.integer("searches-in-flight"));
  options.environment = environment;
  if (job.number("task-time-limit") > 0) options.task_time_limit_s = job.number("task-time-limit");
  options.checkpoint_interval_s = job.number("checkpoint-interval");
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
  auto session = std::make_unique<Session>(gather(std::move(job), communicator));
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
                            options.responder);
    executor = options.make_executor(session->data.get());
    crash_note.emplace(StudyPaths{options.output}.crash_notes(), communicator.rank());
    if (communicator.rank() != 0) return;
    coordinator.environment_of_rank = session->environments.of_rank;
    coordinator.environments = names;
    coordinator.speeds = relative_speeds(*session);
    coordinator.works = session->computes[0];
    coordinator.retries = static_cast<int>(session->job.integer("retries"));
    coordinator.deadline = deadline_of(session->job, start);
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
      desk->finish(cluster::coordinate(communicator, items, desk->known(), desk->ledger(), executor, coordinator));
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
