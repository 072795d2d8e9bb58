// The worker behind work() and behind the coordinator's own local worker: one code for both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cluster/messages.h"
#include "cluster/nap.h"
#include "cluster/worker.h"

namespace telltale::cluster {

/// Owns the compute thread. A main thread feeds it messages and calls step() whenever it is awake; what it has to say
/// goes out through `send`. `waker` is notified when a step is worth while.
class WorkerCore {
 public:
  using Send = std::function<void(Tag, Bytes)>;

  WorkerCore(Executor executor, WorkerOptions options, int rank, std::string host, std::shared_ptr<Waker> waker,
             Send send);
  /// As finish().
  ~WorkerCore();
  WorkerCore(const WorkerCore&) = delete;
  WorkerCore& operator=(const WorkerCore&) = delete;

  void handle(Tag tag, ByteSpan message);
  /// Passes on what the compute thread has ready. True if there was anything.
  bool step();
  [[nodiscard]] bool ended() const { return ended_; }

  /// Ends the compute thread, or gives it up if its task does not end within the grace.
  WorkReport finish();

 private:
  struct Shared;
  struct Context;
  static void compute(const std::shared_ptr<Shared>& shared);

  void take_tasks(ByteReader reader);
  bool flush(std::unique_lock<std::mutex>& lock);
  void ask_ahead(std::unique_lock<std::mutex>& lock);
  void watch_time_limit(std::unique_lock<std::mutex>& lock);

  std::shared_ptr<Shared> shared_;  // outlives this object if the thread is stuck
  Send send_;
  std::thread thread_;
  bool ended_ = false;
  bool lost_ = false;
  bool idle_sent_ = false;
  WorkReport report_;
};

}  // namespace telltale::cluster
