#include "cluster/task_thread.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "cluster/crash_note.h"
#include "cluster/messages.h"
#include "core/clock.h"
#include "core/log.h"

namespace telltale::cluster {
namespace {

using Clock = std::chrono::steady_clock;
using Lock = std::unique_lock<std::mutex>;

// How often a task that waits for answers looks whether its time is up.
constexpr std::chrono::milliseconds limit_check{200};
// Questions come first, but not for ever: after so many a task may begin, or goes on.
constexpr int questions_in_a_row = 16;

void answer_one(WorkerState& state, Lock& lock);

/// What a running task sees; lives on its thread.
class RunningTask : public TaskContext {
 public:
  RunningTask(WorkerState& state, Slot& slot, std::uint64_t index, const Identity& identity)
      : state_(state), slot_(slot), index_(index), identity_(identity), started_(Clock::now()), saved_(started_) {}

  std::vector<Bytes> ask(const std::vector<Question>& questions) override {
    if (computes()) throw Error("a task that was not planned to ask asks");
    check();
    Lock lock(state_.mutex);
    QuestionRouter& router = state_.questions;
    const std::vector<std::uint64_t> numbers = router.ask(identity_, questions);
    state_.to_compute.notify_all();
    if (router.has_letters()) state_.waker->notify();

    std::vector<Bytes> answers;
    try {
      for (const std::uint64_t number : numbers) {
        std::optional<Answered>& place = router.answer_to(number);
        while (!place) {
          if (state_.ending.is_over()) throw TaskStopped();
          state_.answered.wait_for(lock, limit_check);
          check();
        }
        if (!place->ok) throw Error(std::string(as_text(place->answer)));
        answers.push_back(std::move(place->answer));
      }
    } catch (...) {
      router.forget(numbers);
      throw;
    }
    router.forget(numbers);
    return answers;
  }

  std::shared_ptr<const Bytes> artifact(const Identity& identity) override {
    Lock lock(state_.mutex);
    while (true) {
      if (auto found = state_.artifacts.find(identity)) return found;
      if (state_.ending.is_over()) throw TaskStopped();
      if (state_.artifacts.need(identity)) state_.waker->notify();
      state_.to_compute.wait(lock);
    }
  }

  void check() override {
    if (state_.ending.stopping()) throw TaskStopped();
    if (state_.questions.some_wait() && computes()) {
      Lock lock(state_.mutex);
      for (int n = 0; n < questions_in_a_row && state_.questions.has_waiting() && !state_.ending.quits(); ++n)
        answer_one(state_, lock);
    }
    const auto limit = state_.options.task_time_limit_s;
    if (limit && seconds_since(started_) > *limit) throw Error(past_time_limit(*limit));
  }

  bool checkpoint_due() override {
    const double interval = state_.options.checkpoint_interval_s;
    // When the study stops, what was computed since the last checkpoint is worth one more, unless it is next to
    // nothing.
    return seconds_since(saved_) >= (state_.ending.stopping() ? std::min(interval, 1.0) : interval);
  }

  void save_checkpoint(Bytes checkpoint) override {
    if (checkpoint.size() > largest_block_bytes)
      throw Error(fmt::format("a checkpoint of {} bytes is larger than a message may be ({} bytes)", checkpoint.size(),
                              largest_block_bytes));
    log::info("task {}: a checkpoint of {} bytes is saved", identity_.brief(), checkpoint.size());
    const Lock lock(state_.mutex);
    if (!state_.ending.abandoned()) state_.outbox.put_checkpoint(index_, std::move(checkpoint));
    saved_ = Clock::now();
    state_.waker->notify();
  }

  std::optional<Bytes> checkpoint() override {
    Lock lock(state_.mutex);
    if (!slot_.checkpoint) {
      slot_.wants_checkpoint = true;
      state_.waker->notify();
      state_.to_compute.wait(lock, [this] { return slot_.checkpoint || state_.ending.is_over(); });
      if (!slot_.checkpoint) throw TaskStopped();
    }
    const std::optional<Bytes> found = *slot_.checkpoint;
    lock.unlock();
    if (found) log::info("task {} goes on from a checkpoint of {} bytes", identity_.brief(), found->size());
    return found;
  }

 private:
  [[nodiscard]] bool computes() const { return &slot_ == &state_.slots.front(); }

  WorkerState& state_;
  Slot& slot_;
  const std::uint64_t index_;
  const Identity identity_;
  const Clock::time_point started_;
  Clock::time_point saved_;
};

/// Answers the question that is next. Returns with the lock held.
void answer_one(WorkerState& state, Lock& lock) {
  const Asked asked = state.questions.take_next();
  lock.unlock();
  const auto started = Clock::now();
  Answered answered;
  const auto refuse = [&answered](const std::string& reason) { answered.answer.assign(reason.begin(), reason.end()); };
  const CrashNote::Task crash_note(asked.task);
  try {
    if (!state.options.responder) throw Error(fmt::format("rank {} was asked and answers no questions", state.rank));
    RunningTask context(state, state.slots.front(), 0, asked.task);
    answered.answer = state.options.responder(asked.request, context);
    answered.ok = true;
  } catch (const TaskStopped&) {
    refuse("the study was stopped");
  } catch (const std::exception& error) {
    refuse(error.what());
  }
  const double seconds = seconds_since(started);
  lock.lock();
  if (state.questions.answer(asked, std::move(answered), seconds))
    state.answered.notify_all();
  else
    state.waker->notify();
}

/// Runs the executor; how it went is in the outcome, its product in `artifact`.
Outcome outcome_of_running(WorkerState& state, Slot& slot, const Task& task, std::shared_ptr<const Bytes>& artifact) {
  const auto started = Clock::now();
  Outcome outcome = state.outcome_of(task);
  const CrashNote::Task crash_note(task.identity);
  const auto fail = [&outcome](std::string reason) {
    outcome.status = TaskStatus::failed;
    outcome.reason = std::move(reason);
  };
  try {
    RunningTask context(state, slot, task.index, task.identity);
    TaskResult result = state.executor(task.payload, context);
    if (result.artifact.size() > largest_block_bytes)
      throw Error(fmt::format("its artifact of {} bytes is larger than a message may be ({} bytes)",
                              result.artifact.size(), largest_block_bytes));
    outcome.values = std::move(result.values);
    if (!result.artifact.empty()) artifact = std::make_shared<const Bytes>(std::move(result.artifact));
  } catch (const TaskStopped&) {
    fail(state.ending.stopping() ? "the study was stopped" : "the task stopped although the study goes on");
    if (state.ending.stopping()) outcome.status = TaskStatus::stopped;
  } catch (const std::exception& error) {
    fail(error.what());
  } catch (...) {
    fail("something was thrown that is no std::exception");
  }
  outcome.seconds = seconds_since(started);
  outcome.finished_s = unix_time_s();
  return outcome;
}

void tell(const Outcome& outcome) {
  const std::string task = outcome.identity.brief();
  switch (outcome.status) {
    case TaskStatus::done: log::debug("task {} is done after {:.3g} s", task, outcome.seconds); return;
    case TaskStatus::stopped: log::info("task {} is stopped after {:.3g} s", task, outcome.seconds); return;
    case TaskStatus::failed:
      log::info("task {} has failed at attempt {} after {:.3g} s: {}", task, outcome.attempt, outcome.seconds,
                outcome.reason);
      return;
  }
}

/// Runs the slot's task; called and returning with the lock held.
void run_task(WorkerState& state, Slot& slot, Lock& lock) {
  slot.checkpoint.reset();
  slot.started = Clock::now();
  const Task& task = *slot.running;
  lock.unlock();

  Finished finished{task.index, false, {}, nullptr};
  Outcome outcome = outcome_of_running(state, slot, task, finished.artifact);
  finished.outcome = encode(outcome);
  if (finished.bytes() > largest_block_bytes) {
    outcome.status = TaskStatus::failed;
    outcome.reason = fmt::format("its results of {} bytes are larger than a message may be", finished.outcome.size());
    outcome.values.clear();
    finished.outcome = encode(outcome);
    finished.artifact = nullptr;
  }
  tell(outcome);

  lock.lock();
  if (state.ending.abandoned()) return;
  if (finished.artifact) state.artifacts.put(outcome.identity, finished.artifact);
  const bool asked = task.asks;
  slot.running.reset();
  state.outbox.put(std::move(finished), Clock::now());
  if (asked || state.tasks.none_computes() || state.outbox.became_full()) state.waker->notify();
}

void leave(WorkerState& state, Slot& slot) {
  slot.left = true;
  state.to_main.notify_all();
}

}  // namespace

std::string past_time_limit(double limit_s) { return fmt::format("ran past its time limit of {:g} s", limit_s); }

void compute(const std::shared_ptr<WorkerState>& shared) {
  CrashNote::protect_thread();
  WorkerState& state = *shared;
  Lock lock(state.mutex);
  Slot& slot = state.slots.front();
  int in_a_row = 0;
  while (!state.ending.abandoned()) {
    const auto has_something = [&state] {
      return state.ending.quits() || state.questions.has_waiting() || !state.tasks.none_computes();
    };
    state.to_compute.wait(lock, has_something);
    if (state.ending.quits()) break;
    if (state.questions.has_waiting() && (state.tasks.none_computes() || in_a_row < questions_in_a_row)) {
      answer_one(state, lock);
      ++in_a_row;
      continue;
    }
    in_a_row = 0;
    slot.running = state.tasks.take_computing();
    run_task(state, slot, lock);
  }
  leave(state, slot);
}

void search(const std::shared_ptr<WorkerState>& shared, Slot& slot) {
  CrashNote::protect_thread();
  WorkerState& state = *shared;
  Lock lock(state.mutex);
  while (!state.ending.abandoned()) {
    state.to_compute.wait(lock, [&state] { return state.ending.quits() || !state.tasks.none_asks(); });
    if (state.ending.quits()) break;
    slot.running = state.tasks.take_asking();
    run_task(state, slot, lock);
  }
  leave(state, slot);
}

}  // namespace telltale::cluster
