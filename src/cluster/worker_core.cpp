#include "cluster/worker_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/task_thread.h"
#include "cluster/worker_state.h"
#include "core/clock.h"
#include "core/log.h"

namespace telltale::cluster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int coordinator = 0;

}  // namespace

WorkerCore::WorkerCore(Executor executor, WorkerOptions options, int rank, std::string host,
                       std::shared_ptr<Waker> waker, Send send)
    : state_(std::make_shared<WorkerState>(std::move(executor), std::move(options), rank, std::move(host),
                                           std::move(waker))),
      send_(std::move(send)) {
  threads_.emplace_back([state = state_] { compute(state); });
}

WorkerCore::~WorkerCore() { finish(); }

void WorkerCore::handle(int source, Tag tag, ByteSpan message) {
  WorkerState& s = *state_;
  ByteReader reader(message);
  switch (tag) {
    case Tag::tasks: take_tasks(reader); return;
    case Tag::artifact: take_artifact(reader); return;
    case Tag::checkpoint: take_checkpoint(reader); return;
    case Tag::question: {
      const Lock lock(s.mutex);
      s.questions.question_came(source, reader);
      s.to_compute.notify_all();
      return;
    }
    case Tag::answer: {
      const Lock lock(s.mutex);
      s.questions.answer_came(reader);
      s.answered.notify_all();
      return;
    }
    case Tag::stop: {
      log::info("the study stops: what has not begun is dropped, what runs has {:g} s", s.options.stop_grace_s);
      const Lock lock(s.mutex);
      s.ending.stop();
      s.tasks.drop();
      s.artifacts.expect_nothing();
      s.to_compute.notify_all();
      s.answered.notify_all();
      return;
    }
    case Tag::end:
      report_.in_order = reader.get<std::uint8_t>() != 0;
      ended_ = true;
      log::debug("the study has ended{}", report_.in_order ? "" : ": the coordinator gave up");
      return;
    default: throw Error("a worker was sent a message that is meant for the coordinator");
  }
}

void WorkerCore::take_tasks(ByteReader message) {
  std::vector<Task> tasks = read_tasks(message);
  WorkerState& s = *state_;
  const Lock lock(s.mutex);
  if (s.ending.lost()) return;
  const bool none_computed = s.tasks.none_computes();
  bool asks = false;
  for (Task& task : tasks) {
    s.artifacts.expect(task.needs);
    asks |= task.asks;
    s.tasks.add(std::move(task));
  }
  // Their threads start with the first task that asks: most studies have none.
  while (asks && threads_.size() < 1 + static_cast<std::size_t>(s.options.tasks_asking)) {
    Slot& slot = s.slots.emplace_back();
    threads_.emplace_back([state = state_, &slot] { search(state, slot); });
  }
  if (none_computed || asks) s.to_compute.notify_all();
}

void WorkerCore::take_artifact(ByteReader message) {
  const Identity identity = Identity::from_bytes(message.raw(Identity::size));
  const bool found = message.get<std::uint8_t>() != 0;
  auto artifact = found ? std::make_shared<const Bytes>(message.rest().begin(), message.rest().end()) : nullptr;
  if (found)
    log::info("the artifact of task {} is fetched: {} bytes", identity.brief(), artifact->size());
  else
    log::info("the coordinator has no artifact of task {}", identity.brief());
  WorkerState& s = *state_;
  const Lock lock(s.mutex);
  s.artifacts.arrived(identity, std::move(artifact));
  s.to_compute.notify_all();
}

void WorkerCore::take_checkpoint(ByteReader message) {
  const auto index = message.get<std::uint64_t>();
  const bool found = message.get<std::uint8_t>() != 0;
  WorkerState& s = *state_;
  const Lock lock(s.mutex);
  const auto slot = std::find_if(s.slots.begin(), s.slots.end(),
                                 [index](const Slot& one) { return one.running && one.running->index == index; });
  if (slot == s.slots.end()) return;
  slot->checkpoint.emplace(found ? std::optional(Bytes(message.rest().begin(), message.rest().end())) : std::nullopt);
  s.to_compute.notify_all();
}

bool WorkerCore::converses() const {
  const Lock lock(state_->mutex);
  return state_->questions.converses();
}

bool WorkerCore::step() {
  WorkerState& s = *state_;
  Lock lock(s.mutex);
  bool active = send_letters(lock);
  active |= send_results(lock);
  ask_for_artifacts(lock);
  active |= ask_for_checkpoints(lock);
  watch_time_limit(lock);
  if (!s.ending.take_idle(!s.any_running() && s.tasks.empty() && s.outbox.empty())) return active;
  lock.unlock();
  send_(coordinator, Tag::idle, {});
  return true;
}

bool WorkerCore::send_letters(Lock& lock) {
  std::vector<Letter> letters = state_->questions.take_letters();
  const auto served = state_->questions.take_served();
  if (letters.empty() && !served) return false;
  lock.unlock();
  for (Letter& letter : letters) send_(letter.destination, letter.tag, std::move(letter.bytes));
  if (served) send_(coordinator, Tag::served, ByteWriter().put(served->questions).put(served->seconds).take());
  lock.lock();
  return true;
}

bool WorkerCore::send_results(Lock& lock) {
  WorkerState& s = *state_;
  // What asks is few and long: its outcome waits for nothing.
  const bool nothing_else = (s.tasks.none_computes() && !s.slots.front().running) || s.slots.size() > 1;
  // Both at once, and checkpoints first: one saved on the way out must be there before its task's outcome.
  const auto checkpoints = s.outbox.take_checkpoints();
  const std::vector<Finished> batch = s.outbox.take_due(nothing_else);
  if (checkpoints.empty() && batch.empty()) return false;
  lock.unlock();
  for (const auto& [index, checkpoint] : checkpoints) {
    ByteWriter writer;
    writer.reserve(checkpoint.size() + sizeof index);
    send_(coordinator, Tag::save_checkpoint, writer.put(index).raw(checkpoint).take());
  }
  for (std::size_t at = 0; at < batch.size();) send_(coordinator, Tag::outcomes, outcomes_message(batch, at));
  lock.lock();
  return true;
}

void WorkerCore::ask_for_artifacts(Lock& lock) {
  const std::vector<Identity> wanted = state_->artifacts.take_requests();
  if (wanted.empty()) return;
  lock.unlock();
  for (const Identity& identity : wanted)
    send_(coordinator, Tag::need_artifact, Bytes(identity.bytes().begin(), identity.bytes().end()));
  lock.lock();
}

bool WorkerCore::ask_for_checkpoints(Lock& lock) {
  bool active = false;
  for (Slot& slot : state_->slots) {
    if (!slot.wants_checkpoint || !slot.running) continue;
    slot.wants_checkpoint = false;
    const std::uint64_t index = slot.running->index;
    lock.unlock();
    send_(coordinator, Tag::need_checkpoint, ByteWriter().put(index).take());
    lock.lock();
    active = true;
  }
  return active;
}

/// Gives a task up, and this rank with it, that has not looked up for long after its time limit.
void WorkerCore::watch_time_limit(Lock& lock) {
  WorkerState& s = *state_;
  const auto limit = s.options.task_time_limit_s;
  if (!limit || s.ending.lost()) return;
  const auto slot = std::find_if(s.slots.begin(), s.slots.end(), [&](const Slot& one) {
    return one.running && seconds_since(one.started) > *limit + s.options.time_limit_grace_s;
  });
  if (slot == s.slots.end()) return;
  Outcome outcome = s.outcome_of(*slot->running);
  outcome.status = TaskStatus::failed;
  outcome.seconds = seconds_since(slot->started);
  outcome.finished_s = unix_time_s();
  outcome.reason = fmt::format("{} and did not stop: rank {} is given up with it", past_time_limit(*limit), s.rank);
  const std::vector<Finished> given_up{{slot->running->index, true, encode(outcome), nullptr}};
  s.ending.lose();
  s.tasks.drop();
  s.artifacts.expect_nothing();
  s.to_compute.notify_all();
  lock.unlock();
  std::size_t at = 0;
  send_(coordinator, Tag::outcomes, outcomes_message(given_up, at));
  const std::string reason = fmt::format("task {} did not stop after its time limit", outcome.identity.brief());
  send_(coordinator, Tag::lost, Bytes(as_bytes(reason).begin(), as_bytes(reason).end()));
  lock.lock();
}

WorkReport WorkerCore::finish() {
  if (threads_.empty()) return report_;
  WorkerState& s = *state_;
  Lock lock(s.mutex);
  const auto until = s.ending.quit();
  s.tasks.drop();
  s.to_compute.notify_all();
  s.answered.notify_all();
  const bool in_time = s.to_main.wait_until(lock, until, [&s] { return s.all_left(); });
  if (!in_time) {
    s.ending.abandon();
    report_.stuck = true;
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

}  // namespace telltale::cluster
