// A rank does not outlive its launcher.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace telltale::cluster {

/// While it lives, the process leaves with _exit(3) within about half a second after its parent process is gone: so its
/// locks are free for the next start. On a thread of its own, because the main thread may be loading data, flushing a
/// disk or inside MPI.
class ParentWatch {
 public:
  ParentWatch();

 private:
  void run(const std::stop_token& stop);

  pid_t parent_;
  std::mutex mutex_;
  std::condition_variable_any condition_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace telltale::cluster
