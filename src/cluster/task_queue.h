// The tasks that a worker was given and has not begun.
#pragma once

#include <deque>
#include <functional>
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

/// A message of Tag::tasks: as many of `batch`, items by index, as fit into one, from `at` on; `at` becomes the first
/// that is left.
Bytes write_tasks(const std::vector<WorkItem>& items, const std::vector<std::size_t>& batch, std::size_t& at,
                  const std::function<int(std::size_t)>& attempt_of);
/// What such a message holds. Throws Error if it ends too early.
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
