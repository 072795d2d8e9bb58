// What the threads of one worker share.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cluster/artifact_client.h"
#include "cluster/nap.h"
#include "cluster/outbox.h"
#include "cluster/question_router.h"
#include "cluster/stop_protocol.h"
#include "cluster/task_queue.h"
#include "cluster/worker.h"
#include "core/outcome.h"

namespace telltale::cluster {

/// A thread's place: the task that it runs. Guarded by the mutex.
struct Slot {
  std::optional<Task> running;
  std::chrono::steady_clock::time_point started;
  bool wants_checkpoint = false;                   // of the running task
  std::optional<std::optional<Bytes>> checkpoint;  // the answer
  bool left = false;                               // the thread has ended
};

/// Everything below the mutex is guarded by it, but for what says otherwise.
struct WorkerState {
  WorkerState(Executor run, WorkerOptions with, int on, std::string at, std::shared_ptr<Waker> to_wake)
      : executor(std::move(run)),
        options(std::move(with)),
        rank(on),
        host(std::move(at)),
        waker(std::move(to_wake)),
        artifacts(options.cache_bytes),
        questions(rank, options.environment_of_rank),
        ending(options.stop_grace_s) {}

  [[nodiscard]] bool any_running() const {
    return std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.running.has_value(); });
  }
  [[nodiscard]] bool all_left() const {
    return std::all_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.left; });
  }

  /// The outcome of `task` on this rank, with what is not said yet left empty.
  [[nodiscard]] Outcome outcome_of(const Task& task) const {
    Outcome outcome;
    outcome.identity = task.identity;
    outcome.attempt = task.attempt;
    outcome.rank = rank;
    outcome.environment = options.environment;
    outcome.host = host;
    return outcome;
  }

  const Executor executor;
  const WorkerOptions options;
  const int rank;
  const std::string host;
  const std::shared_ptr<Waker> waker;  // of the main thread

  std::mutex mutex;
  std::condition_variable to_compute;  // new tasks, an artifact, a checkpoint, stop, quit
  std::condition_variable to_main;     // a thread has left
  std::condition_variable answered;    // a question that was asked from here
  TaskQueue tasks;
  Outbox outbox;
  ArtifactClient artifacts;
  QuestionRouter questions;
  StopProtocol ending;
  std::deque<Slot> slots{1};  // the compute thread's first; addresses stay
};

}  // namespace telltale::cluster
