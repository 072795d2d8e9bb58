// The tasks that a worker was given and has not begun.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "cluster/work.h"
#include "core/bytes.h"
#include "core/identity.h"

namespace telltale::cluster {

/// One task as a worker sees it.
struct Task {
  std::uint64_t index = 0;
  std::int32_t attempt = 1;
  bool asks = false;
  Identity identity;
  Bytes payload;
  std::vector<Identity> needs;
};

/// Adds an item to a message of Tag::tasks, as a task for its `attempt`.
void write_task(ByteWriter& message, const std::vector<WorkItem>& items, std::size_t index, int attempt);
/// What such a message holds, its count first. Throws Error if it ends too early.
std::vector<Task> read_tasks(ByteReader reader);

/// Two queues: of the compute thread, and of the threads of tasks that ask. Not synchronised.
class TaskQueue {
 public:
  void add(Task task) { (task.asks ? asking_ : computing_).push_back(std::move(task)); }
  /// What has not begun is not begun any more.
  void drop() {
    computing_.clear();
    asking_.clear();
  }

  [[nodiscard]] bool none_computes() const { return computing_.empty(); }
  [[nodiscard]] bool none_asks() const { return asking_.empty(); }
  [[nodiscard]] bool empty() const { return computing_.empty() && asking_.empty(); }
  Task take_computing() { return take(computing_); }
  Task take_asking() { return take(asking_); }

 private:
  static Task take(std::deque<Task>& queue) {
    Task task = std::move(queue.front());
    queue.pop_front();
    return task;
  }

  std::deque<Task> computing_, asking_;
};

}  // namespace telltale::cluster
