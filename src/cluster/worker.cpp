#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <unordered_set>
#include <utility>

#include "cluster/artifact_cache.h"
#include "cluster/crash_note.h"
#include "cluster/worker_core.h"
#include "core/outcome.h"

namespace telltale::cluster {
namespace {

using Clock = std::chrono::steady_clock;

// Outcomes travel together: when this many are there, when the oldest has waited this long, or when nothing else is
// left to do.
constexpr std::size_t enough_outcomes = 256;
constexpr std::chrono::milliseconds oldest_outcome{2};
// Artifacts asked for ahead of their tasks, at a time.
constexpr std::size_t asked_ahead = 8;

std::atomic<bool> thread_is_stuck{false};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string seconds_text(double seconds) {
  char text[32];
  snprintf(text, sizeof text, "%g", seconds);
  return text;
}

struct Task {
  std::uint64_t index = 0;
  std::int32_t attempt = 1;
  Identity identity;
  Bytes payload;
  std::vector<Identity> needs;
};

struct Finished {
  std::uint64_t index = 0;
  bool hopeless = false;
  Bytes outcome;
  std::shared_ptr<const Bytes> artifact;
};

}  // namespace

/// What the two threads share; everything below the mutex is guarded by it.
struct WorkerCore::Shared {
  Shared(Executor run, WorkerOptions with, int on, std::string at, std::shared_ptr<Waker> to_wake)
      : executor(std::move(run)),
        options(std::move(with)),
        rank(on),
        host(std::move(at)),
        waker(std::move(to_wake)),
        cache(options.cache_bytes) {}

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

  [[nodiscard]] Clock::time_point grace_from_now() const {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.stop_grace_s));
  }

  const Executor executor;
  const WorkerOptions options;
  const int rank;
  const std::string host;
  const std::shared_ptr<Waker> waker;
  std::atomic<bool> stop{false};  // also read without the mutex, by check()

  std::mutex mutex;
  std::condition_variable to_compute;  // new tasks, an artifact, a checkpoint, stop, quit
  std::condition_variable to_main;     // the compute thread has left
  std::deque<Task> queue;
  std::optional<Task> running;
  Clock::time_point started;
  std::vector<Finished> finished;
  Clock::time_point oldest;  // when the first of `finished` came
  ArtifactCache cache;
  std::unordered_set<Identity> missing;                      // the coordinator has no such artifact
  std::unordered_set<Identity> asked;                        // and not answered yet
  std::vector<Identity> needs;                               // for the running task: to be asked for at once
  std::deque<Identity> ahead;                                // for queued tasks
  bool wants_checkpoint = false;                             // of the running task
  std::optional<std::optional<Bytes>> checkpoint;            // the answer
  std::vector<std::pair<std::uint64_t, Bytes>> checkpoints;  // to be saved
  Clock::time_point stop_until;                              // once `stop` is set
  bool quit = false;
  bool abandoned = false;  // the main thread gave the running task up
  bool left = false;
};

/// What a running task sees; lives on the compute thread.
struct WorkerCore::Context : TaskContext {
  Context(Shared& with, std::uint64_t task_index)
      : shared(with), index(task_index), started(Clock::now()), saved(started) {}

  std::shared_ptr<const Bytes> artifact(const Identity& identity) override {
    std::unique_lock lock(shared.mutex);
    while (true) {
      if (auto found = shared.cache.find(identity)) return found;
      if (shared.missing.erase(identity) > 0)
        throw Error("the artifact of task " + identity.brief() + " is missing: the coordinator could not deliver it");
      if (shared.stop || shared.abandoned) throw TaskStopped();
      if (!shared.asked.contains(identity) &&
          std::find(shared.needs.begin(), shared.needs.end(), identity) == shared.needs.end()) {
        shared.needs.push_back(identity);
        shared.waker->notify();
      }
      shared.to_compute.wait(lock);
    }
  }

  void check() override {
    if (shared.stop.load(std::memory_order_relaxed)) throw TaskStopped();
    const auto limit = shared.options.task_time_limit_s;
    if (limit && seconds_since(started) > *limit)
      throw Error("ran past its time limit of " + seconds_text(*limit) + " s");
  }

  bool checkpoint_due() override {
    const double interval = shared.options.checkpoint_interval_s;
    // When the study stops, what was computed since the last checkpoint is worth one more, unless it is next to
    // nothing.
    return seconds_since(saved) >= (shared.stop ? std::min(interval, 1.0) : interval);
  }

  void save_checkpoint(Bytes checkpoint) override {
    if (checkpoint.size() > largest_block_bytes)
      throw Error("a checkpoint of " + std::to_string(checkpoint.size()) + " bytes is larger than a message may be (" +
                  std::to_string(largest_block_bytes) + " bytes)");
    const std::lock_guard lock(shared.mutex);
    if (!shared.abandoned) shared.checkpoints.emplace_back(index, std::move(checkpoint));
    saved = Clock::now();
    shared.waker->notify();
  }

  std::optional<Bytes> checkpoint() override {
    std::unique_lock lock(shared.mutex);
    if (!shared.checkpoint) {
      shared.wants_checkpoint = true;
      shared.waker->notify();
      shared.to_compute.wait(lock, [this] { return shared.checkpoint || shared.stop || shared.abandoned; });
      if (!shared.checkpoint) throw TaskStopped();
    }
    return *shared.checkpoint;
  }

  Shared& shared;
  const std::uint64_t index;
  const Clock::time_point started;
  Clock::time_point saved;
};

WorkerCore::WorkerCore(Executor executor, WorkerOptions options, int rank, std::string host,
                       std::shared_ptr<Waker> waker, Send send)
    : shared_(
          std::make_shared<Shared>(std::move(executor), std::move(options), rank, std::move(host), std::move(waker))),
      send_(std::move(send)),
      thread_([shared = shared_] { compute(shared); }) {}

WorkerCore::~WorkerCore() { finish(); }

void WorkerCore::compute(const std::shared_ptr<Shared>& shared) {
  CrashNote::protect_thread();
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  while (true) {
    s.to_compute.wait(lock, [&s] { return s.quit || !s.queue.empty(); });
    if (s.quit) break;
    s.running = std::move(s.queue.front());
    s.queue.pop_front();
    s.checkpoint.reset();
    const Task& task = *s.running;
    s.started = Clock::now();
    const auto started = s.started;
    lock.unlock();

    Outcome outcome = s.outcome_of(task);
    Finished finished{task.index, false, {}, nullptr};
    CrashNote::task_begins(task.identity);
    try {
      Context context(s, task.index);
      TaskResult result = s.executor(task.payload, context);
      if (result.artifact.size() > largest_block_bytes)
        throw Error("its artifact of " + std::to_string(result.artifact.size()) +
                    " bytes is larger than a message may be (" + std::to_string(largest_block_bytes) + " bytes)");
      outcome.values = std::move(result.values);
      if (!result.artifact.empty()) finished.artifact = std::make_shared<const Bytes>(std::move(result.artifact));
    } catch (const TaskStopped&) {
      outcome.status = s.stop ? TaskStatus::stopped : TaskStatus::failed;
      outcome.reason = s.stop ? "the study was stopped" : "the task stopped although the study goes on";
    } catch (const std::exception& error) {
      outcome.status = TaskStatus::failed;
      outcome.reason = error.what();
    } catch (...) {
      outcome.status = TaskStatus::failed;
      outcome.reason = "something was thrown that is no std::exception";
    }
    CrashNote::task_ends();
    const auto now = Clock::now();
    outcome.seconds = std::chrono::duration<double>(now - started).count();
    outcome.finished_s = unix_time_s();
    finished.outcome = encode(outcome);
    if (finished.outcome.size() + (finished.artifact ? finished.artifact->size() : 0) > largest_block_bytes) {
      outcome.status = TaskStatus::failed;
      outcome.reason =
          "its results of " + std::to_string(finished.outcome.size()) + " bytes are larger than a message may be";
      outcome.values.clear();
      finished.outcome = encode(outcome);
      finished.artifact = nullptr;
    }

    lock.lock();
    if (s.abandoned) break;
    if (finished.artifact) s.cache.put(outcome.identity, finished.artifact);
    s.running.reset();
    if (s.finished.empty()) s.oldest = now;
    s.finished.push_back(std::move(finished));
    if (s.queue.empty() || s.finished.size() == enough_outcomes) s.waker->notify();
  }
  s.left = true;
  s.to_main.notify_all();
}

void WorkerCore::handle(Tag tag, ByteSpan message) {
  Shared& s = *shared_;
  ByteReader reader(message);
  switch (tag) {
    case Tag::tasks: take_tasks(reader); return;
    case Tag::artifact: {
      const Identity identity = Identity::from_bytes(reader.raw(Identity::size));
      const bool found = reader.get<std::uint8_t>() != 0;
      auto artifact = found ? std::make_shared<const Bytes>(reader.rest().begin(), reader.rest().end()) : nullptr;
      const std::lock_guard lock(s.mutex);
      s.asked.erase(identity);
      if (found)
        s.cache.put(identity, std::move(artifact));
      else
        s.missing.insert(identity);
      s.to_compute.notify_all();
      return;
    }
    case Tag::checkpoint: {
      const auto index = reader.get<std::uint64_t>();
      const bool found = reader.get<std::uint8_t>() != 0;
      const std::lock_guard lock(s.mutex);
      if (!s.running || s.running->index != index) return;
      s.checkpoint.emplace(found ? std::optional(Bytes(reader.rest().begin(), reader.rest().end())) : std::nullopt);
      s.to_compute.notify_all();
      return;
    }
    case Tag::stop: {
      const std::lock_guard lock(s.mutex);
      s.stop = true;
      s.stop_until = s.grace_from_now();
      s.queue.clear();
      s.ahead.clear();
      s.to_compute.notify_all();
      return;
    }
    case Tag::end:
      report_.in_order = reader.get<std::uint8_t>() != 0;
      ended_ = true;
      return;
    default: throw Error("a worker was sent a message that is meant for the coordinator");
  }
}

void WorkerCore::take_tasks(ByteReader reader) {
  std::vector<Task> tasks(reader.get<std::uint32_t>());
  for (Task& task : tasks) {
    task.index = reader.get<std::uint64_t>();
    task.attempt = reader.get<std::int32_t>();
    task.identity = Identity::from_bytes(reader.raw(Identity::size));
    const ByteSpan payload = reader.block();
    task.payload.assign(payload.begin(), payload.end());
    task.needs.resize(reader.get<std::uint32_t>());
    for (Identity& need : task.needs) need = Identity::from_bytes(reader.raw(Identity::size));
  }
  Shared& s = *shared_;
  const std::lock_guard lock(s.mutex);
  if (lost_) return;
  const bool was_empty = s.queue.empty();
  for (Task& task : tasks) {
    s.ahead.insert(s.ahead.end(), task.needs.begin(), task.needs.end());
    s.queue.push_back(std::move(task));
  }
  if (was_empty) s.to_compute.notify_all();
}

bool WorkerCore::step() {
  Shared& s = *shared_;
  std::unique_lock lock(s.mutex);
  bool active = false;

  // Checkpoints first: one saved on the way out must be there before its task's outcome.
  for (auto& [index, checkpoint] : std::exchange(s.checkpoints, {})) {
    lock.unlock();
    ByteWriter writer;
    writer.reserve(checkpoint.size() + sizeof index);
    send_(Tag::save_checkpoint, writer.put(index).raw(checkpoint).take());
    lock.lock();
    active = true;
  }
  active |= flush(lock);
  ask_ahead(lock);
  if (s.wants_checkpoint && s.running) {
    s.wants_checkpoint = false;
    const std::uint64_t index = s.running->index;
    lock.unlock();
    send_(Tag::need_checkpoint, ByteWriter().put(index).take());
    lock.lock();
    active = true;
  }
  watch_time_limit(lock);
  if (s.stop && !idle_sent_ && !lost_ && !s.running && s.queue.empty() && s.finished.empty() && s.checkpoints.empty()) {
    idle_sent_ = true;
    lock.unlock();
    send_(Tag::idle, {});
    return true;
  }
  return active;
}

bool WorkerCore::flush(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  if (s.finished.empty()) return false;
  const bool nothing_else = s.queue.empty() && !s.running;
  if (!nothing_else && s.finished.size() < enough_outcomes && Clock::now() - s.oldest < oldest_outcome) return false;
  const std::vector<Finished> batch = std::exchange(s.finished, {});
  lock.unlock();
  std::size_t at = 0;
  while (at < batch.size()) {
    ByteWriter records;
    std::uint32_t count = 0;
    std::size_t bytes = 0;
    for (std::size_t end = at; end < batch.size(); ++end, ++count) {
      const std::size_t more = batch[end].outcome.size() + (batch[end].artifact ? batch[end].artifact->size() : 0) + 32;
      if (count > 0 && bytes + more > full_message_bytes) break;
      bytes += more;
    }
    records.reserve(bytes + sizeof count);
    records.put(count);
    for (std::uint32_t i = 0; i < count; ++i, ++at) {
      const Finished& one = batch[at];
      records.put(one.index).put(static_cast<std::uint8_t>(one.hopeless)).block(one.outcome);
      records.block(one.artifact ? ByteSpan(*one.artifact) : ByteSpan());
    }
    send_(Tag::outcomes, records.take());
  }
  lock.lock();
  return true;
}

/// Asks the coordinator for artifacts: at once for the running task, a few at a time for those behind it.
void WorkerCore::ask_ahead(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  std::vector<Identity> wanted;
  const auto want = [&](const Identity& identity) {
    if (!s.cache.contains(identity) && !s.missing.contains(identity) && s.asked.insert(identity).second)
      wanted.push_back(identity);
  };
  for (const Identity& identity : std::exchange(s.needs, {})) want(identity);
  while (!s.ahead.empty() && s.asked.size() < asked_ahead) {
    want(s.ahead.front());
    s.ahead.pop_front();
  }
  if (wanted.empty()) return;
  lock.unlock();
  for (const Identity& identity : wanted)
    send_(Tag::need_artifact, Bytes(identity.bytes().begin(), identity.bytes().end()));
  lock.lock();
}

void WorkerCore::watch_time_limit(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  const auto limit = s.options.task_time_limit_s;
  if (!limit || !s.running || lost_ || seconds_since(s.started) <= *limit + s.options.time_limit_grace_s) return;
  Outcome outcome = s.outcome_of(*s.running);
  outcome.status = TaskStatus::failed;
  outcome.seconds = seconds_since(s.started);
  outcome.finished_s = unix_time_s();
  outcome.reason = "ran past its time limit of " + seconds_text(*limit) + " s and did not stop: rank " +
                   std::to_string(s.rank) + " is given up with it";
  ByteWriter writer;
  writer.put(std::uint32_t{1}).put(s.running->index).put(std::uint8_t{1}).block(encode(outcome)).block({});
  lost_ = true;
  s.abandoned = true;
  s.queue.clear();
  s.ahead.clear();
  s.to_compute.notify_all();
  lock.unlock();
  send_(Tag::outcomes, writer.take());
  const std::string reason = "task " + outcome.identity.brief() + " did not stop after its time limit";
  send_(Tag::lost, Bytes(as_bytes(reason).begin(), as_bytes(reason).end()));
  lock.lock();
}

WorkReport WorkerCore::finish() {
  if (!thread_.joinable()) return report_;
  Shared& s = *shared_;
  std::unique_lock lock(s.mutex);
  if (!s.stop) s.stop_until = s.grace_from_now();
  s.stop = true;
  s.quit = true;
  s.queue.clear();
  s.to_compute.notify_all();
  if (s.to_main.wait_until(lock, lost_ ? Clock::now() : s.stop_until, [&s] { return s.left; })) {
    lock.unlock();
    thread_.join();
  } else {
    s.abandoned = true;
    report_.stuck = true;
    thread_is_stuck = true;
    thread_.detach();
  }
  return report_;
}

WorkReport work(Communicator& communicator, Executor executor, const WorkerOptions& options) {
  constexpr int coordinator = 0;
  const auto waker = std::make_shared<Waker>();
  WorkerCore core(
      std::move(executor), options, communicator.rank(), communicator.host(), waker,
      [&](Tag tag, Bytes bytes) { communicator.send(coordinator, static_cast<int>(tag), std::move(bytes)); });
  Nap nap;
  while (!core.ended()) {
    bool active = false;
    while (!core.ended()) {
      const auto message = communicator.poll();
      if (!message) break;
      core.handle(static_cast<Tag>(message->tag), message->bytes);
      active = true;
    }
    active |= core.step();
    if (active)
      nap.reset();
    else
      waker->wait_for(communicator.busy() ? Nap::shortest * 4 : nap.next());
  }
  return core.finish();
}

void leave_process(int exit_code) {
  if (!thread_is_stuck) std::exit(exit_code);
  fflush(nullptr);
  _exit(exit_code);
}

}  // namespace telltale::cluster
