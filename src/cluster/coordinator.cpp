#include "cluster/coordinator.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "cluster/messages.h"
#include "cluster/nap.h"
#include "cluster/silence.h"
#include "cluster/task_queue.h"
#include "cluster/worker_core.h"
#include "core/log.h"

namespace telltale::cluster {
namespace {

using Clock = std::chrono::steady_clock;

class Coordinator {
 public:
  Coordinator(Communicator& communicator, const std::vector<WorkItem>& items,
              const std::vector<std::optional<TaskStatus>>& known, Ledger& ledger, Executor local,
              const CoordinatorOptions& options)
      : communicator_(communicator),
        items_(items),
        ledger_(ledger),
        options_(options),
        scheduler_(items, known, scheduler_options(communicator, options)),
        pace_(scheduler_, static_cast<std::size_t>(communicator.size())),
        waker_(std::make_shared<Waker>()),
        silence_(options.worker.rank_timeout_s, static_cast<std::size_t>(communicator.size())),
        ranks_(static_cast<std::size_t>(communicator.size())) {
    summary_.busy_s.resize(ranks_.size());
    summary_.served.resize(ranks_.size());
    for (const WorkItem& item : items)
      if (item.payload.size() > largest_block_bytes)
        throw Error("task " + item.identity.brief() + ": its payload is too large");
    durable_done_ = scheduler_.done_count();
    for (std::size_t i = 0; i < known.size(); ++i)
      if (known[i] == TaskStatus::failed) ++durable_failed_;
    ranks_[0].works = options.works || communicator.size() == 1;
    for (std::size_t r = 1; r < ranks_.size(); ++r) ranks_[r].works = true;
    if (ranks_[0].works)
      local_.emplace(std::move(local), options.worker, 0, communicator.host(), waker_,
                     [this](int destination, Tag tag, Bytes bytes) {
                       if (destination == 0)
                         inbox_.push_back({0, static_cast<int>(tag), std::move(bytes)});
                       else
                         communicator_.send(destination, static_cast<int>(tag), std::move(bytes));
                     });
  }

  Summary run() {
    try {
      loop();
      ledger_.flush();
      settle_durable();
      report_progress(true);
    } catch (...) {
      end_workers(false);
      throw;
    }
    end_workers(true);
    summary_.done = scheduler_.done_count();
    summary_.failed = scheduler_.failed_count();
    summary_.remaining = scheduler_.open_count();
    summary_.ranks_set_aside = scheduler_.ranks_set_aside();
    summary_.stopped = summary_.remaining > 0;
    if (summary_.stopped)
      summary_.reason = stop_reason_.empty() ? scheduler_.why_blocked(options_.environments) : stop_reason_;
    summary_.wall_s = pace_.elapsed_s();
    log::info("{} tasks are done, {} failed, {} open", summary_.done, summary_.failed, summary_.remaining);
    return std::move(summary_);
  }

 private:
  struct Rank {
    bool works = false;
    bool lost = false;
    bool idle = false;  // after stop
    bool frozen = false;
  };

  static SchedulerOptions scheduler_options(const Communicator& communicator, const CoordinatorOptions& options) {
    if (options.environment_of_rank.size() != static_cast<std::size_t>(communicator.size()))
      throw Error(fmt::format("the coordinator was told the environments of {} ranks, but there are {}",
                              options.environment_of_rank.size(), communicator.size()));
    SchedulerOptions result;
    result.environment_of_rank = options.environment_of_rank;
    if (communicator.size() > 1 && !options.works) result.environment_of_rank[0] = -1;
    result.speeds = options.speeds;
    result.lookahead_s = options.lookahead_s;
    result.retries = options.retries;
    result.tasks_asking = static_cast<std::size_t>(options.worker.tasks_asking);
    return result;
  }

  void loop() {
    log::info("{} of {} tasks are open", scheduler_.open_count(), items_.size());
    commit_casualties();
    Nap nap;
    bool active = true;  // the first round hands out
    while (true) {
      active |= receive();
      watch_silence();
      if (!stopping_ && should_stop()) begin_stop();
      if (active && !stopping_) hand_out();
      settle_durable();
      report_progress(false);
      if (finished()) return;
      if (active)
        nap.reset();
      else
        waker_->wait_for(local_                 ? length_of(nap, communicator_, *local_)
                         : communicator_.busy() ? Nap::shortest * 4
                                                : nap.next());
      active = false;
    }
  }

  /// Takes in what has arrived, but not so much at once that the ranks wait for their next tasks.
  bool receive() {
    constexpr int many = 64;
    bool active = false;
    for (int n = 0; n < many; ++n) {
      const auto message = communicator_.poll();
      if (!message) break;
      silence_.heard(message->source);
      handle(*message);
      active = true;
    }
    if (local_) {
      active |= local_->step();
      while (!inbox_.empty()) {
        const Message message = std::move(inbox_.front());
        inbox_.pop_front();
        handle(message);
        active = true;
      }
    }
    return active;
  }

  void send(int rank, Tag tag, Bytes bytes) {
    if (rank == 0)
      local_->handle(0, tag, bytes);
    else
      communicator_.send(rank, static_cast<int>(tag), std::move(bytes));
  }

  void handle(const Message& message) {
    ByteReader reader(message.bytes);
    const auto rank = static_cast<std::size_t>(message.source);
    switch (static_cast<Tag>(message.tag)) {
      case Tag::outcomes:
        for (auto count = reader.get<std::uint32_t>(); count > 0; --count) take_outcome(message.source, reader);
        commit_casualties();
        return;
      case Tag::need_artifact: {
        const auto artifact = ledger_.artifact(Identity::from_bytes(reader.raw(Identity::size)));
        send(message.source, Tag::artifact, answer(message.bytes, artifact.get()));
        return;
      }
      case Tag::need_checkpoint: {
        const auto checkpoint = ledger_.checkpoint(items_.at(reader.get<std::uint64_t>()).identity);
        send(message.source, Tag::checkpoint, answer(message.bytes, checkpoint ? &*checkpoint : nullptr));
        return;
      }
      case Tag::save_checkpoint: {
        const Identity& identity = items_.at(reader.get<std::uint64_t>()).identity;
        ledger_.save_checkpoint(identity, Bytes(reader.rest().begin(), reader.rest().end()));
        log::debug("a checkpoint of task {} is on disk", identity.brief());
        return;
      }
      case Tag::lost:
        ranks_[rank].lost = true;
        scheduler_.lose(message.source, std::string(as_text(message.bytes)));
        tell_set_aside();
        return;
      case Tag::idle: ranks_[rank].idle = true; return;
      case Tag::alive: return;
      case Tag::served:
        summary_.served[rank] = {reader.get<std::uint64_t>(), 0};
        summary_.served[rank].seconds = reader.get<double>();
        return;
      case Tag::question:
      case Tag::answer:
        if (!local_) throw Error("the coordinator was asked a question, and computes nothing");
        local_->handle(message.source, static_cast<Tag>(message.tag), message.bytes);
        return;
      default: throw Error("the coordinator was sent a message that is meant for a worker");
    }
  }

  void take_outcome(int rank, ByteReader& reader) {
    const auto index = reader.get<std::uint64_t>();
    const bool hopeless = reader.get<std::uint8_t>() != 0;
    const ByteSpan encoded = reader.block();
    const ByteSpan artifact = reader.block();
    OutcomeHead head = peek_outcome(encoded);
    if (head.identity != items_.at(index).identity)
      throw Error(fmt::format("rank {} answered for a task that it was not given", rank));
    summary_.busy_s[static_cast<std::size_t>(rank)] += head.seconds;
    pace_.begins(static_cast<std::size_t>(rank));
    switch (head.status) {
      case TaskStatus::stopped: scheduler_.returned(index, rank); return;
      case TaskStatus::done:
        if (!scheduler_.done(index, rank, head.seconds)) return;
        tell_set_aside();
        break;
      case TaskStatus::failed:
        switch (scheduler_.failed(index, rank, hopeless)) {
          case Scheduler::Verdict::not_yours: return;
          case Scheduler::Verdict::retry:
            log::info("task {} failed on rank {} and is tried again: {}", head.identity.brief(), rank, head.reason);
            return;
          case Scheduler::Verdict::failed: break;
        }
        log::info("task {} failed on rank {} for good: {}", head.identity.brief(), rank, head.reason);
        summary_.failures.push_back({index, std::move(head.reason)});
        break;
    }
    commit(index, head.status, Bytes(encoded.begin(), encoded.end()), Bytes(artifact.begin(), artifact.end()));
  }

  void tell_set_aside() {
    for (const auto& aside = scheduler_.ranks_set_aside(); told_aside_ < aside.size(); ++told_aside_)
      log::warn("rank {} is set aside: {}", aside[told_aside_].rank, aside[told_aside_].reason);
  }

  void commit(std::size_t index, TaskStatus status, Bytes encoded, Bytes artifact) {
    const std::uint64_t ticket = ledger_.commit(index, std::move(encoded), std::move(artifact));
    tickets_.push_back({ticket, status});
  }

  /// Tasks that cannot be computed because one that they need failed.
  void commit_casualties() {
    for (const auto& [index, root] : scheduler_.take_casualties()) {
      const auto cause = std::find_if(summary_.failures.rbegin(), summary_.failures.rend(),
                                      [root = root](const TaskFailure& failure) { return failure.index == root; });
      Outcome outcome;
      outcome.identity = items_[index].identity;
      outcome.status = TaskStatus::failed;
      outcome.attempt = 0;  // it never ran
      outcome.finished_s = unix_time_s();
      outcome.reason = fmt::format("needs task {}, which failed{}", items_[root].identity.brief(),
                                   cause == summary_.failures.rend() ? " in an earlier run" : ": " + cause->reason);
      log::info("task {} cannot be computed: it {}", outcome.identity.brief(), outcome.reason);
      commit(index, TaskStatus::failed, encode(outcome), {});
      casualties_.push_back({index, std::move(outcome.reason)});
    }
    // Not before: the reasons looked up above are those of the tasks that failed themselves.
    for (TaskFailure& casualty : std::exchange(casualties_, {})) summary_.failures.push_back(std::move(casualty));
  }

  void hand_out() {
    const double time_left_s = options_.time_left_s();
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      if (!ranks_[rank].works) continue;
      if (!scheduler_.has_work(static_cast<int>(rank))) pace_.begins(rank);
      const std::vector<std::size_t> batch = scheduler_.next(static_cast<int>(rank), time_left_s);
      for (std::size_t at = 0; at < batch.size();)
        send(static_cast<int>(rank), Tag::tasks,
             write_tasks(items_, batch, at, [this](std::size_t index) { return scheduler_.attempt(index); }));
    }
  }

  bool should_stop() {
    if (!stop_reason_.empty()) return true;
    if (const int signal = options_.stop_signal != nullptr ? options_.stop_signal->load() : 0; signal != 0) {
      const char* name = sigabbrev_np(signal);
      stop_reason_ =
          name != nullptr ? fmt::format("stopped by SIG{}", name) : fmt::format("stopped by signal {}", signal);
    } else if (options_.time_left_s() <= 0) {
      stop_reason_ = "the time limit is reached";
    }
    return !stop_reason_.empty();
  }

  /// A frozen rank is not waited for, and given nothing more.
  void watch_silence() {
    if (!silence_.tick()) return;
    const bool speaks = silence_.should_speak();
    for (int rank = 1; rank < communicator_.size(); ++rank) {
      Rank& peer = ranks_[static_cast<std::size_t>(rank)];
      if (speaks) communicator_.send(rank, static_cast<int>(Tag::alive), {});
      if (peer.frozen || !silence_.too_long(rank)) continue;
      peer.frozen = peer.lost = summary_.frozen = true;
      const std::string reason = fmt::format("rank {} has said nothing for {:g} s: it is frozen, or its node is gone",
                                             rank, options_.worker.rank_timeout_s);
      log::warn("{}", reason);
      if (stop_reason_.empty()) stop_reason_ = reason;
    }
  }

  void begin_stop() {
    stopping_ = true;
    log::info("stopping: {}; what runs has {:g} s", stop_reason_, options_.worker.stop_grace_s);
    stop_until_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(options_.worker.stop_grace_s));
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank)
      if (ranks_[rank].works && !ranks_[rank].lost) send(static_cast<int>(rank), Tag::stop, {});
  }

  bool finished() {
    if (scheduler_.open_count() == 0) return true;
    if (!stopping_) {
      // Nothing runs although the last round handed out what it could: nothing ever will.
      return scheduler_.running_count() == 0;
    }
    bool all_idle = true;
    for (const Rank& rank : ranks_) all_idle = all_idle && (!rank.works || rank.lost || rank.idle);
    return all_idle || Clock::now() >= stop_until_;
  }

  /// Counts what has reached the disk; throws when the disk refused.
  void settle_durable() {
    const std::uint64_t durable = ledger_.durable();
    while (!tickets_.empty() && tickets_.front().first <= durable) {
      ++(tickets_.front().second == TaskStatus::done ? durable_done_ : durable_failed_);
      tickets_.pop_front();
    }
  }

  void report_progress(bool at_end) {
    if (!options_.progress) return;
    const double elapsed = pace_.elapsed_s();
    if (!at_end && elapsed < next_progress_s_) return;
    next_progress_s_ = elapsed + options_.progress_interval_s;
    Progress progress;
    progress.done = durable_done_;
    progress.failed = durable_failed_;
    progress.remaining = items_.size() - durable_done_ - durable_failed_;
    progress.running = scheduler_.running_count() + tickets_.size();
    pace_.measure(progress);
    options_.progress(progress);
  }

  void end_workers(bool in_order) {
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank)
      if (ranks_[rank].works) send(static_cast<int>(rank), Tag::end, {static_cast<std::uint8_t>(in_order)});
    if (local_) summary_.stuck = local_->finish().stuck;
  }

  Communicator& communicator_;
  const std::vector<WorkItem>& items_;
  Ledger& ledger_;
  const CoordinatorOptions& options_;
  Scheduler scheduler_;
  Pace pace_;
  std::shared_ptr<Waker> waker_;
  Silence silence_;
  std::vector<Rank> ranks_;
  std::deque<Message> inbox_;  // from the local worker
  std::optional<WorkerCore> local_;
  std::deque<std::pair<std::uint64_t, TaskStatus>> tickets_;  // committed, not yet known to be on disk
  std::vector<TaskFailure> casualties_;
  bool stopping_ = false;
  Clock::time_point stop_until_;
  std::string stop_reason_;
  std::size_t told_aside_ = 0;
  std::size_t durable_done_ = 0;
  std::size_t durable_failed_ = 0;
  double next_progress_s_ = 0;
  Summary summary_;
};

}  // namespace

Summary coordinate(Communicator& communicator, const std::vector<WorkItem>& items,
                   const std::vector<std::optional<TaskStatus>>& known, Ledger& ledger, Executor local,
                   const CoordinatorOptions& options) {
  if (communicator.rank() != 0) throw Error("only rank 0 coordinates");
  std::optional<Coordinator> coordinator;
  try {
    coordinator.emplace(communicator, items, known, ledger, std::move(local), options);
  } catch (...) {
    // The workers wait for tasks already.
    for (int rank = 1; rank < communicator.size(); ++rank)
      communicator.send(rank, static_cast<int>(Tag::end), {static_cast<std::uint8_t>(false)});
    throw;
  }
  return coordinator->run();
}

}  // namespace telltale::cluster
