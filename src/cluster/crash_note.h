// What a process writes down when a task crashes it, so that the next start can tell a poisonous task.
#pragma once

#include <string>
#include <vector>

#include "core/identity.h"

namespace telltale::cluster {

/// While it lives, a SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT of this process leaves the file `<prefix>.<rank>`
/// naming the signal and the task that the crashing thread ran (a signal from outside may hit a thread that runs none:
/// then any that runs); then the signal takes its course. A SIGKILL leaves none: a kill never makes
/// a task look poisonous. At most one a process; Linux only.
class CrashNote {
 public:
  /// Throws Error if the path is too long or another CrashNote is alive.
  CrashNote(const std::string& prefix, int rank);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

  /// While it lives, the calling thread runs this task (the last one made counts). Cheap, and without effect on a
  /// process that keeps no notes.
  class Task {
   public:
    explicit Task(const Identity& identity);
    ~Task();
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

   private:
    int place_;
    int outer_;
  };
  /// Gives the calling thread a stack for the handlers, so that a stack overflow is noted too.
  static void protect_thread();
};

struct Crash {
  Identity identity;
  int signal = 0;
};

/// Every note left under `prefix`, by any rank; the files are removed. A note that was cut short is dropped.
std::vector<Crash> read_crash_notes(const std::string& prefix);

}  // namespace telltale::cluster
