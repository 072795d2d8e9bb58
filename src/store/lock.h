// One run at a time: a lock that dies with its process.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace telltale::store {

/// "pid 123 on host n1, since 2024-05-01 12:00:00 UTC": how a run says in files who it is.
std::string describe_this_process();

/// Exclusive flock() on a lock file that says who holds it. Released, and the file removed, by the destructor; released
/// by the kernel when the process dies, however it dies (the file then stays behind, and means nothing). Over a network
/// a lock may outlive its holder: a server that does not know that the holder's node is gone.
class RunLock {
 public:
  /// Locks `path`, which is created if need be. `guarded` names in messages what the lock protects ("x.h5"). A lock
  /// that a run on the host `broken` holds is broken: that run keeps a lock on a file that has no name any more (its
  /// journal is what fences it off, if it still lives). Throws InputError if another run holds it, saying who, or if
  /// the file cannot be created.
  RunLock(const std::string& path, const std::string& guarded, const std::string& broken = "");
  ~RunLock();
  RunLock(RunLock&&) noexcept;
  RunLock& operator=(RunLock&&) noexcept;

  /// Who holds the lock now ("pid 123 on host n1, since 2024-05-01 12:00:00 UTC"); nothing if nobody does.
  static std::optional<std::string> holder(const std::string& path);
  static bool held(const std::string& path) { return holder(path).has_value(); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telltale::store
