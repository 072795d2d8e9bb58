#include "study/desk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "cluster/crash_note.h"
#include "core/error.h"
#include "core/log.h"
#include "slurm/queries.h"
#include "study/results.h"

namespace telltale::study {
namespace {

using Clock = std::chrono::steady_clock;

/// A task whose rank crashed this often while it ran is not handed out again.
constexpr int crashes_of_a_poisonous_task = 2;

void append(store::Journal& journal, RecordType type, const Json& content) {
  const std::string text = canonical(content);
  journal.append(static_cast<std::uint32_t>(type), as_bytes(text));
}

}  // namespace

Desk::Desk(Session& session, const RunOptions& options)
    : session_(session),
      options_(options),
      paths_{options.output},
      lock_(paths_.lock(), paths_.results, options.break_lock) {
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
  store::Scan claimed;
  journal_.emplace(paths_.journal(), store::JournalOptions{.fsync = session_.job.flag("durable")}, &claimed);
  if (!begun && interpret(claimed).head)
    throw InputError("another run (" + claimed.owner + ") has begun " + paths_.results +
                     " in this moment: the same command goes on with it");
  artifacts_.emplace(paths_.artifacts(session_.job.text("artifacts")));
  if (!begun) {
    const Json head = head_of(session_);
    for (int copy = 0; copy < 2; ++copy) append(*journal_, RecordType::head, head);
    journal_->flush();
    records_ = read_records(paths_.journal());
  }
  for (const store::Damage& damage : records_.damages)
    report.notes.push_back(fmt::format("{}: damage at byte {} ({}): skipped; what it held is computed again",
                                       paths_.journal(), damage.offset, damage.what));
  const Json study = {{"results", std::filesystem::path(paths_.results).filename().string()},
                      {"title", session_.job.text("title")}};
  report.notes.insert(report.notes.end(), session_.notes.begin(), session_.notes.end());
  ledger_.emplace(session_.plan, *journal_, *artifacts_, study);
  if (begun) note_newer_algorithms();
  take_crash_notes();
  decide_what_is_known();
  note_missing_environments();
  note_missing_nodes();
  append(*journal_, RecordType::session, session_record());
  journal_->flush();
}

std::vector<std::optional<TaskStatus>> Desk::known() const { return known_; }

JournalLedger& Desk::ledger() { return *ledger_; }

std::vector<cluster::WorkItem> Desk::work_items() const {
  std::vector<cluster::WorkItem> items;
  items.reserve(session_.plan.tasks.size());
  for (const PlannedTask& task : session_.plan.tasks) {
    const std::string payload = canonical(message_of(task.payload, task.hints));
    items.push_back({task.identity, Bytes(payload.begin(), payload.end()), task.cost_s, task.prerequisites,
                     task.environments, task.keeps_checkpoints, task.asks});
  }
  return items;
}

void Desk::show_progress(const cluster::Progress& p) const {
  const Json shown = {{"at_s", unix_time_s()},
                      {"done", p.done},
                      {"failed", p.failed},
                      {"running", p.running},
                      {"remaining", p.remaining},
                      {"tasks_per_s", p.tasks_per_s},
                      {"left_s", p.left_s().value_or(-1)}};
  const std::string temporary = paths_.progress() + ".new";
  std::ofstream(temporary) << shown.dump() << "\n";
  std::rename(temporary.c_str(), paths_.progress().c_str());
}

void Desk::publish_now_and_then() {
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

void Desk::finish(const cluster::Summary& summary) {
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
  report.results_s = std::chrono::duration<double>(Clock::now() - publishing).count();
  log::info("{} is published in {:.3g} s", paths_.results, report.results_s);
  report.tasks = session_.plan.tasks.size();
  report.done = summary.done;
  report.failed = summary.failed;
  report.remaining = summary.remaining;
  report.stopped = summary.stopped;
  report.stop_reason = summary.reason;
  report.stuck = summary.stuck;
  report.frozen = summary.frozen;
  if (summary.done < report.tasks) name_failures();
  for (const auto& rank : summary.ranks_set_aside)
    report.notes.push_back("rank " + std::to_string(rank.rank) + " was set aside: " + rank.reason);
}

void Desk::collect_publishing() {
  if (!publishing_.valid()) return;
  try {
    publishing_.get();
  } catch (const std::exception& error) {
    options_.say(std::string("no partial results file this time: ") + error.what());
    log::info("no partial results file this time: {}", error.what());
  }
}

void Desk::name_failures() {
  const StudyRecords records = read_records(paths_.journal());
  for (const PlannedTask& task : session_.plan.tasks) {
    const auto found = records.outcomes.find(task.identity);
    if (found != records.outcomes.end() && found->second.status == TaskStatus::failed)
      report.failures.push_back({task.stage + " " + task.identity.brief(), found->second.reason});
  }
}

void Desk::note_newer_algorithms() {
  const Json& last = records_.sessions.empty() ? *records_.head : records_.sessions.back();
  for (const auto& [kind, version] : algorithms_of(session_.plan)) {
    // Journals from before versions were written there began with the first of each.
    const int then = last.contains("algorithms") ? last["algorithms"].value(kind, version) : std::min(version, 1);
    if (then != version)
      report.notes.push_back("the algorithm of `" + kind + "` is version " + std::to_string(version) + " now and was " +
                             std::to_string(then) + " at the last start: its tasks are computed anew (what was " +
                             "computed before stays in the journal)");
  }
}

void Desk::take_crash_notes() {
  for (const cluster::Crash& crash : cluster::read_crash_notes(paths_.crash_notes())) {
    append(*journal_, RecordType::crash, {{"task", crash.identity.hex()}, {"signal", strsignal(crash.signal)}});
    ++records_.crashes[crash.identity];
    log::info("a rank crashed at task {} in an earlier start: {}", crash.identity.brief(), strsignal(crash.signal));
  }
}

void Desk::decide_what_is_known() {
  const auto& tasks = session_.plan.tasks;
  known_.assign(tasks.size(), std::nullopt);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (records_.is_done(tasks[i].identity)) {
      known_[i] = TaskStatus::done;
    } else if (tasks[i].has_artifact && ledger_->take_over(i)) {
      known_[i] = TaskStatus::done;
      ++report.reused;
    } else if (const int crashes = records_.crashes_of(tasks[i].identity); crashes >= crashes_of_a_poisonous_task) {
      Outcome outcome;
      outcome.identity = tasks[i].identity;
      outcome.status = TaskStatus::failed;
      outcome.reason = fmt::format("its rank crashed {} times while it ran: not handed out again", crashes);
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

void Desk::note_missing_environments() {
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
    report.notes.push_back(fmt::format("rank {} ({} on {}) computes nothing: {}", rank,
                                       profile_of(session_.ranks[rank]), host_of(session_.ranks[rank]),
                                       unrepeated.empty()
                                           ? "its environment is none of this study's"
                                           : "it does not repeat its own bits in " + unrepeated.front()));
  }
}

void Desk::note_missing_nodes() {
  std::map<std::string, std::string> came;
  for (const forensics::RankReport& rank : session_.ranks)
    came[host_of(rank)] = rank.passport.at("cpu").at("microarchitecture");
  for (std::string& sentence : missing_nodes(session_.job.values("expect"), came))
    report.notes.push_back(std::move(sentence));
}

Json Desk::session_record() const {
  Json ranks = Json::array();
  for (std::size_t rank = 0; rank < session_.ranks.size(); ++rank) {
    const int environment = session_.environments.of_rank[rank];
    ranks.push_back(
        {{"host", host_of(session_.ranks[rank])},
         {"profile", profile_of(session_.ranks[rank])},
         {"environment", environment < 0 ? "" : session_.environments.list[static_cast<std::size_t>(environment)].name},
         {"computes", bool{session_.computes[rank]}},
         {"passport", session_.ranks[rank].passport}});
  }
  double open_cost = 0;
  for (std::size_t i = 0; i < known_.size(); ++i)
    if (!known_[i]) open_cost += session_.plan.tasks[i].cost_s;
  Json record{{"started_s", unix_time_s()},
              {"pid", getpid()},
              {"ranks", ranks},
              {"plan", plan_totals(session_.plan)},
              {"algorithms", algorithms_of(session_.plan)},
              {"cases", session_.plan.cases},
              {"open_cost_s", open_cost}};
  if (const auto job = slurm::job_id()) record["slurm_job"] = *job;
  return record;
}

}  // namespace telltale::study
