// The worker behind work() and behind the coordinator's own local worker: one code for both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cluster/messages.h"
#include "cluster/nap.h"
#include "cluster/worker.h"

namespace telltale::cluster {

/// Owns the compute thread, and the threads of tasks that ask. A main thread feeds it messages and calls step()
/// whenever it is awake; what it has to say goes out through `send`. `waker` is notified when a step is worth while.
class WorkerCore {
 public:
  using Send = std::function<void(int destination, Tag, Bytes)>;

  WorkerCore(Executor executor, WorkerOptions options, int rank, std::string host, std::shared_ptr<Waker> waker,
             Send send);
  /// As finish().
  ~WorkerCore();
  WorkerCore(const WorkerCore&) = delete;
  WorkerCore& operator=(const WorkerCore&) = delete;

  void handle(int source, Tag tag, ByteSpan message);
  /// Passes on what the compute thread has ready. True if there was anything.
  bool step();
  [[nodiscard]] bool ended() const { return ended_; }
  /// Questions are under way: who naps now should nap shortly.
  [[nodiscard]] bool converses() const;

  /// Ends the compute thread, or gives it up if its task does not end within the grace.
  WorkReport finish();

 private:
  struct Shared;
  struct Context;
  struct Slot;
  static void compute(const std::shared_ptr<Shared>& shared);
  static void search(const std::shared_ptr<Shared>& shared, Slot& slot);
  static void run_task(const std::shared_ptr<Shared>& shared, Slot& slot, std::unique_lock<std::mutex>& lock);
  static void answer_one(Shared& shared, std::unique_lock<std::mutex>& lock);

  void take_tasks(ByteReader reader);
  bool flush(std::unique_lock<std::mutex>& lock);
  void ask_ahead(std::unique_lock<std::mutex>& lock);
  bool converse(std::unique_lock<std::mutex>& lock);
  void watch_time_limit(std::unique_lock<std::mutex>& lock);

  std::shared_ptr<Shared> shared_;  // outlives this object if the thread is stuck
  Send send_;
  std::vector<std::thread> threads_;  // the compute thread, then those of tasks that ask
  bool ended_ = false;
  bool lost_ = false;
  bool idle_sent_ = false;
  std::uint64_t served_told_ = 0;
  std::chrono::steady_clock::time_point served_at_{};
  WorkReport report_;
};

/// How long a main thread naps that has found nothing to do.
std::chrono::microseconds length_of(Nap& nap, const Communicator& communicator, const WorkerCore& core);

}  // namespace telltale::cluster
