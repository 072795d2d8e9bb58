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

constexpr int coordinator = 0;

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

// While questions come and go, a main thread does not sleep longer than this.
constexpr std::chrono::microseconds conversing_nap{200};
constexpr std::chrono::milliseconds conversation_ends{50};
// How often a task that waits for answers looks whether its time is up.
constexpr std::chrono::milliseconds limit_check{200};
constexpr std::chrono::milliseconds served_interval{250};
// Questions come first, but not for ever: after so many a task may begin, or goes on.
constexpr int questions_in_a_row = 16;

struct Task {
  std::uint64_t index = 0;
  std::int32_t attempt = 1;
  bool asks = false;
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

// A question that this rank is to answer.
struct Asked {
  int source = 0;
  std::uint64_t number = 0;
  Identity task;  // the one that asks
  Bytes request;
};

struct Answered {
  bool ok = false;
  Bytes answer;  // or the reason
};

struct Letter {
  int destination = 0;
  Tag tag = Tag::question;
  Bytes bytes;
};

}  // namespace

/// A thread's place: the task that it runs. Guarded by the mutex.
struct WorkerCore::Slot {
  std::optional<Task> running;
  Clock::time_point started;
  bool wants_checkpoint = false;                   // of the running task
  std::optional<std::optional<Bytes>> checkpoint;  // the answer
  bool left = false;                               // the thread has ended
};

/// What the threads share; everything below the mutex is guarded by it.
struct WorkerCore::Shared {
  Shared(Executor run, WorkerOptions with, int on, std::string at, std::shared_ptr<Waker> to_wake)
      : executor(std::move(run)),
        options(std::move(with)),
        rank(on),
        host(std::move(at)),
        waker(std::move(to_wake)),
        cache(options.cache_bytes) {
    ranks_of.resize(1);
    for (std::size_t r = 0; r < options.environment_of_rank.size(); ++r) {
      const int environment = options.environment_of_rank[r];
      if (environment < 0) continue;
      ranks_of.resize(std::max(ranks_of.size(), static_cast<std::size_t>(environment) + 1));
      ranks_of[static_cast<std::size_t>(environment)].push_back(static_cast<int>(r));
    }
  }

  // Which rank of an environment is asked: this one if it is of them, else one after the other.
  int rank_to_ask(int environment) {
    if (environment < 0 || static_cast<std::size_t>(environment) >= ranks_of.size() ||
        ranks_of[static_cast<std::size_t>(environment)].empty())
      throw Error("no rank has the environment that a task asks");
    const std::vector<int>& ranks = ranks_of[static_cast<std::size_t>(environment)];
    if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) return rank;
    return ranks[(turn++ + static_cast<std::size_t>(rank)) % ranks.size()];
  }

  [[nodiscard]] bool has_questions() const { return !from_others.empty() || !from_here.empty(); }
  [[nodiscard]] bool any_running() const {
    return std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.running.has_value(); });
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

  [[nodiscard]] Clock::time_point grace_from_now() const {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.stop_grace_s));
  }

  const Executor executor;
  const WorkerOptions options;
  const int rank;
  const std::string host;
  const std::shared_ptr<Waker> waker;
  std::atomic<bool> stop{false};          // also read without the mutex, by check()
  std::atomic<std::size_t> questions{0};  // likewise: how many wait here

  std::mutex mutex;
  std::condition_variable to_compute;  // new tasks, an artifact, a checkpoint, stop, quit
  std::condition_variable to_main;     // a thread has left
  std::deque<Task> queue;              // for the compute thread
  std::deque<Task> asking;             // for the threads of tasks that ask
  std::deque<Slot> slots{1};           // the compute thread's first; addresses stay
  std::vector<Finished> finished;
  Clock::time_point oldest;  // when the first of `finished` came
  ArtifactCache cache;
  std::unordered_set<Identity> missing;                      // the coordinator has no such artifact
  std::unordered_set<Identity> asked;                        // and not answered yet
  std::vector<Identity> needs;                               // for the running task: to be asked for at once
  std::deque<Identity> ahead;                                // for queued tasks
  std::vector<std::pair<std::uint64_t, Bytes>> checkpoints;  // to be saved
  std::vector<std::vector<int>> ranks_of;                    // by environment
  std::size_t turn = 0;
  std::uint64_t next_question = 0;
  std::unordered_map<std::uint64_t, std::optional<Answered>> open_questions;  // asked from here
  std::condition_variable answered;                                           // one of them
  std::deque<Asked> from_others, from_here;                                   // to be answered here, in this order
  std::vector<Letter> letters;                                                // to be sent
  Clock::time_point conversed{};                                              // the last question or answer
  std::uint64_t served = 0;
  double served_s = 0;
  Clock::time_point stop_until;  // once `stop` is set
  bool quit = false;
  bool abandoned = false;  // the main thread gave the running task up
};

/// What a running task sees; lives on its thread.
struct WorkerCore::Context : TaskContext {
  Context(Shared& with, Slot& at, std::uint64_t task_index, const Identity& identity)
      : shared(with), slot(at), index(task_index), task(identity), started(Clock::now()), saved(started) {}

  std::vector<Bytes> ask(const std::vector<Question>& questions) override {
    if (computes()) throw Error("a task that was not planned to ask asks");
    check();
    std::unique_lock lock(shared.mutex);
    std::vector<std::uint64_t> numbers;
    for (const Question& question : questions) {
      const int destination = shared.rank_to_ask(question.environment);
      const std::uint64_t number = shared.next_question++;
      shared.open_questions.emplace(number, std::nullopt);
      numbers.push_back(number);
      if (destination == shared.rank) {
        shared.from_here.push_back({shared.rank, number, task, question.request});
        ++shared.questions;
      } else {
        ByteWriter writer;
        writer.reserve(question.request.size() + Identity::size + sizeof number);
        writer.put(number).raw(task.bytes()).raw(question.request);
        shared.letters.push_back({destination, Tag::question, writer.take()});
      }
    }
    shared.conversed = Clock::now();
    shared.to_compute.notify_all();
    if (!shared.letters.empty()) shared.waker->notify();

    std::vector<Bytes> answers;
    try {
      for (const std::uint64_t number : numbers) {
        std::optional<Answered>& place = shared.open_questions.at(number);
        while (!place) {
          if (shared.stop || shared.abandoned) throw TaskStopped();
          shared.answered.wait_for(lock, limit_check);
          check();
        }
        if (!place->ok) throw Error(std::string(as_text(place->answer)));
        answers.push_back(std::move(place->answer));
      }
    } catch (...) {
      for (const std::uint64_t number : numbers) shared.open_questions.erase(number);
      throw;
    }
    for (const std::uint64_t number : numbers) shared.open_questions.erase(number);
    return answers;
  }

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
    if (shared.questions.load(std::memory_order_relaxed) > 0 && computes()) {
      std::unique_lock lock(shared.mutex);
      for (int n = 0; n < questions_in_a_row && shared.has_questions() && !shared.quit; ++n) answer_one(shared, lock);
    }
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
    if (!slot.checkpoint) {
      slot.wants_checkpoint = true;
      shared.waker->notify();
      shared.to_compute.wait(lock, [this] { return slot.checkpoint || shared.stop || shared.abandoned; });
      if (!slot.checkpoint) throw TaskStopped();
    }
    return *slot.checkpoint;
  }

  [[nodiscard]] bool computes() const { return &slot == &shared.slots.front(); }

  Shared& shared;
  Slot& slot;
  const std::uint64_t index;
  const Identity task;
  const Clock::time_point started;
  Clock::time_point saved;
};

WorkerCore::WorkerCore(Executor executor, WorkerOptions options, int rank, std::string host,
                       std::shared_ptr<Waker> waker, Send send)
    : shared_(
          std::make_shared<Shared>(std::move(executor), std::move(options), rank, std::move(host), std::move(waker))),
      send_(std::move(send)) {
  threads_.emplace_back([shared = shared_] { compute(shared); });
}

WorkerCore::~WorkerCore() { finish(); }

void WorkerCore::compute(const std::shared_ptr<Shared>& shared) {
  CrashNote::protect_thread();
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  Slot& slot = s.slots.front();
  int in_a_row = 0;
  while (true) {
    s.to_compute.wait(lock, [&s] { return s.quit || s.has_questions() || !s.queue.empty(); });
    if (s.quit) break;
    if (s.has_questions() && (s.queue.empty() || in_a_row < questions_in_a_row)) {
      answer_one(s, lock);
      ++in_a_row;
      continue;
    }
    in_a_row = 0;
    slot.running = std::move(s.queue.front());
    s.queue.pop_front();
    run_task(shared, slot, lock);
    if (s.abandoned) break;
  }
  slot.left = true;
  s.to_main.notify_all();
}

void WorkerCore::search(const std::shared_ptr<Shared>& shared, Slot& slot) {
  CrashNote::protect_thread();
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  while (true) {
    s.to_compute.wait(lock, [&s] { return s.quit || !s.asking.empty(); });
    if (s.quit) break;
    slot.running = std::move(s.asking.front());
    s.asking.pop_front();
    run_task(shared, slot, lock);
    if (s.abandoned) break;
  }
  slot.left = true;
  s.to_main.notify_all();
}

/// Answers the question that is next: other ranks' before this one's own. Returns with the lock held.
void WorkerCore::answer_one(Shared& s, std::unique_lock<std::mutex>& lock) {
  std::deque<Asked>& from = s.from_others.empty() ? s.from_here : s.from_others;
  const Asked asked = std::move(from.front());
  from.pop_front();
  --s.questions;
  lock.unlock();
  const auto started = Clock::now();
  Answered answered;
  const auto refuse = [&answered](const std::string& reason) { answered.answer.assign(reason.begin(), reason.end()); };
  const CrashNote::Task crash_note(asked.task);
  try {
    if (!s.options.responder) throw Error("rank " + std::to_string(s.rank) + " was asked and answers no questions");
    Context context(s, s.slots.front(), 0, asked.task);
    answered.answer = s.options.responder(asked.request, context);
    answered.ok = true;
  } catch (const TaskStopped&) {
    refuse("the study was stopped");
  } catch (const std::exception& error) {
    refuse(error.what());
  }
  const double seconds = seconds_since(started);
  lock.lock();
  ++s.served;
  s.served_s += seconds;
  s.conversed = Clock::now();
  if (asked.source == s.rank) {
    if (const auto place = s.open_questions.find(asked.number); place != s.open_questions.end())
      place->second = std::move(answered);
    s.answered.notify_all();
  } else {
    ByteWriter writer;
    writer.reserve(answered.answer.size() + 16);
    writer.put(asked.number).put(static_cast<std::uint8_t>(answered.ok)).raw(answered.answer);
    s.letters.push_back({asked.source, Tag::answer, writer.take()});
    s.waker->notify();
  }
}

/// Runs the slot's task; called and returning with the lock held.
void WorkerCore::run_task(const std::shared_ptr<Shared>& shared, Slot& slot, std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared;
  slot.checkpoint.reset();
  const Task& task = *slot.running;
  slot.started = Clock::now();
  const auto started = slot.started;
  lock.unlock();

  Outcome outcome = s.outcome_of(task);
  Finished finished{task.index, false, {}, nullptr};
  std::optional<CrashNote::Task> crash_note(task.identity);
  try {
    Context context(s, slot, task.index, task.identity);
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
  crash_note.reset();
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
  if (s.abandoned) return;
  if (finished.artifact) s.cache.put(outcome.identity, finished.artifact);
  const bool asked = slot.running->asks;
  slot.running.reset();
  if (s.finished.empty()) s.oldest = now;
  s.finished.push_back(std::move(finished));
  if (asked || s.queue.empty() || s.finished.size() == enough_outcomes) s.waker->notify();
}

void WorkerCore::handle(int source, Tag tag, ByteSpan message) {
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
      const auto slot = std::find_if(s.slots.begin(), s.slots.end(),
                                     [index](const Slot& one) { return one.running && one.running->index == index; });
      if (slot == s.slots.end()) return;
      slot->checkpoint.emplace(found ? std::optional(Bytes(reader.rest().begin(), reader.rest().end())) : std::nullopt);
      s.to_compute.notify_all();
      return;
    }
    case Tag::question: {
      Asked asked{source, reader.get<std::uint64_t>(), Identity::from_bytes(reader.raw(Identity::size)), {}};
      asked.request.assign(reader.rest().begin(), reader.rest().end());
      const std::lock_guard lock(s.mutex);
      s.from_others.push_back(std::move(asked));
      ++s.questions;
      s.conversed = Clock::now();
      s.to_compute.notify_all();
      return;
    }
    case Tag::answer: {
      const auto number = reader.get<std::uint64_t>();
      Answered answered{reader.get<std::uint8_t>() != 0, {}};
      answered.answer.assign(reader.rest().begin(), reader.rest().end());
      const std::lock_guard lock(s.mutex);
      s.conversed = Clock::now();
      // Nobody waits any more where its task has ended meanwhile.
      if (const auto place = s.open_questions.find(number); place != s.open_questions.end())
        place->second = std::move(answered);
      s.answered.notify_all();
      return;
    }
    case Tag::stop: {
      const std::lock_guard lock(s.mutex);
      s.stop = true;
      s.stop_until = s.grace_from_now();
      s.queue.clear();
      s.asking.clear();
      s.ahead.clear();
      s.to_compute.notify_all();
      s.answered.notify_all();
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
    task.asks = reader.get<std::uint8_t>() != 0;
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
  bool asks = false;
  for (Task& task : tasks) {
    s.ahead.insert(s.ahead.end(), task.needs.begin(), task.needs.end());
    asks |= task.asks;
    (task.asks ? s.asking : s.queue).push_back(std::move(task));
  }
  // Their threads start with the first task that asks: most studies have none.
  while (asks && threads_.size() < 1 + static_cast<std::size_t>(s.options.tasks_asking)) {
    Slot& slot = s.slots.emplace_back();
    threads_.emplace_back([shared = shared_, &slot] { search(shared, slot); });
  }
  if (was_empty || asks) s.to_compute.notify_all();
}

bool WorkerCore::converses() const {
  Shared& s = *shared_;
  const std::lock_guard lock(s.mutex);
  return !s.open_questions.empty() || s.has_questions() || Clock::now() - s.conversed < conversation_ends;
}

bool WorkerCore::converse(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  const std::vector<Letter> letters = std::exchange(s.letters, {});
  const auto now = Clock::now();
  const bool tell = s.served > served_told_ && now - served_at_ >= served_interval;
  const std::uint64_t served = s.served;
  const double served_s = s.served_s;
  if (letters.empty() && !tell) return false;
  lock.unlock();
  for (const Letter& letter : letters) send_(letter.destination, letter.tag, letter.bytes);
  if (tell) {
    served_told_ = served;
    served_at_ = now;
    send_(coordinator, Tag::served, ByteWriter().put(served).put(served_s).take());
  }
  lock.lock();
  return true;
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
    send_(coordinator, Tag::save_checkpoint, writer.put(index).raw(checkpoint).take());
    lock.lock();
    active = true;
  }
  active |= converse(lock);
  active |= flush(lock);
  ask_ahead(lock);
  for (Slot& slot : s.slots) {
    if (!slot.wants_checkpoint || !slot.running) continue;
    slot.wants_checkpoint = false;
    const std::uint64_t index = slot.running->index;
    lock.unlock();
    send_(coordinator, Tag::need_checkpoint, ByteWriter().put(index).take());
    lock.lock();
    active = true;
  }
  watch_time_limit(lock);
  if (s.stop && !idle_sent_ && !lost_ && !s.any_running() && s.queue.empty() && s.asking.empty() &&
      s.finished.empty() && s.checkpoints.empty()) {
    idle_sent_ = true;
    lock.unlock();
    send_(coordinator, Tag::idle, {});
    return true;
  }
  return active;
}

bool WorkerCore::flush(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  if (s.finished.empty()) return false;
  // What asks is few and long: its outcome waits for nothing.
  const bool nothing_else = (s.queue.empty() && !s.slots.front().running) || s.slots.size() > 1;
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
    send_(coordinator, Tag::outcomes, records.take());
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
    send_(coordinator, Tag::need_artifact, Bytes(identity.bytes().begin(), identity.bytes().end()));
  lock.lock();
}

void WorkerCore::watch_time_limit(std::unique_lock<std::mutex>& lock) {
  Shared& s = *shared_;
  const auto limit = s.options.task_time_limit_s;
  if (!limit || lost_) return;
  const auto slot = std::find_if(s.slots.begin(), s.slots.end(), [&](const Slot& one) {
    return one.running && seconds_since(one.started) > *limit + s.options.time_limit_grace_s;
  });
  if (slot == s.slots.end()) return;
  Outcome outcome = s.outcome_of(*slot->running);
  outcome.status = TaskStatus::failed;
  outcome.seconds = seconds_since(slot->started);
  outcome.finished_s = unix_time_s();
  outcome.reason = "ran past its time limit of " + seconds_text(*limit) + " s and did not stop: rank " +
                   std::to_string(s.rank) + " is given up with it";
  ByteWriter writer;
  writer.put(std::uint32_t{1}).put(slot->running->index).put(std::uint8_t{1}).block(encode(outcome)).block({});
  lost_ = true;
  s.abandoned = true;
  s.queue.clear();
  s.asking.clear();
  s.ahead.clear();
  s.to_compute.notify_all();
  lock.unlock();
  send_(coordinator, Tag::outcomes, writer.take());
  const std::string reason = "task " + outcome.identity.brief() + " did not stop after its time limit";
  send_(coordinator, Tag::lost, Bytes(as_bytes(reason).begin(), as_bytes(reason).end()));
  lock.lock();
}

WorkReport WorkerCore::finish() {
  if (threads_.empty()) return report_;
  Shared& s = *shared_;
  std::unique_lock lock(s.mutex);
  if (!s.stop) s.stop_until = s.grace_from_now();
  s.stop = true;
  s.quit = true;
  s.queue.clear();
  s.asking.clear();
  s.to_compute.notify_all();
  s.answered.notify_all();
  const auto all_left = [&s] {
    return std::all_of(s.slots.begin(), s.slots.end(), [](const Slot& slot) { return slot.left; });
  };
  const bool in_time = s.to_main.wait_until(lock, lost_ ? Clock::now() : s.stop_until, all_left);
  if (!in_time) {
    s.abandoned = true;
    report_.stuck = true;
    thread_is_stuck = true;
  }
  lock.unlock();
  for (std::thread& thread : threads_) {
    if (in_time)
      thread.join();
    else
      thread.detach();
  }
  threads_.clear();
  return report_;
}

std::chrono::microseconds length_of(Nap& nap, const Communicator& communicator, const WorkerCore& core) {
  if (communicator.busy()) return Nap::shortest * 4;
  return core.converses() ? std::min(nap.next(), conversing_nap) : nap.next();
}

WorkReport work(Communicator& communicator, Executor executor, const WorkerOptions& options) {
  const auto waker = std::make_shared<Waker>();
  WorkerCore core(std::move(executor), options, communicator.rank(), communicator.host(), waker,
                  [&](int destination, Tag tag, Bytes bytes) {
                    communicator.send(destination, static_cast<int>(tag), std::move(bytes));
                  });
  Nap nap;
  while (!core.ended()) {
    bool active = false;
    while (!core.ended()) {
      const auto message = communicator.poll();
      if (!message) break;
      core.handle(message->source, static_cast<Tag>(message->tag), message->bytes);
      active = true;
    }
    active |= core.step();
    if (active)
      nap.reset();
    else
      waker->wait_for(length_of(nap, communicator, core));
  }
  return core.finish();
}

void leave_process(int exit_code) {
  if (!thread_is_stuck) std::exit(exit_code);
  fflush(nullptr);
  _exit(exit_code);
}

}  // namespace telltale::cluster
