#include "cluster/parent_watch.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>

namespace telltale::cluster {

ParentWatch::ParentWatch() : parent_(getppid()), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void ParentWatch::run(const std::stop_token& stop) {
  // Signals are for the main thread, whose naps they cut short.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    condition_.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; });
    if (!stop.stop_requested() && getppid() != parent_) _exit(3);
  }
}

}  // namespace telltale::cluster
