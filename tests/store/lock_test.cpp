#include "store/lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "core/error.h"
#include "core/process.h"
#include "core/temporary_directory.h"
#include "small_disk.h"

namespace telltale::store {
namespace {

// A process that holds the lock until it is killed.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      const RunLock lock(path, "x.h5");
      if (::write(ready[1], "!", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte;
    if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("the child could not lock");
    ::close(ready[0]);
  }
  ~Holder() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(RunLock, ASecondRunIsRefusedAndToldWhoHoldsIt) {
  const TemporaryDirectory directory;
  const Holder holder(directory / "x.h5.lock");
  try {
    const RunLock lock(directory / "x.h5.lock", "x.h5");
    FAIL() << "two runs hold one lock";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("another run (pid " + std::to_string(holder.pid()) + " on host "), std::string::npos)
        << message;
    EXPECT_NE(message.find(", since 2"), std::string::npos) << message;
    EXPECT_NE(message.find(") is writing x.h5"), std::string::npos) << message;
  }
}

TEST(RunLock, IsFreeAfterItsHolderWasKilled) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5.lock";
  Holder holder(path);
  EXPECT_TRUE(RunLock::held(path));
  holder.kill();
  EXPECT_FALSE(RunLock::held(path));
  const RunLock lock(path, "x.h5");
  EXPECT_TRUE(RunLock::held(path));
  EXPECT_EQ(RunLock::holder(path)->find("pid " + std::to_string(::getpid()) + " on host "), 0u);
}

TEST(RunLock, IsBrokenByTheNameOfItsHoldersHost) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5.lock";
  const Holder holder(path);
  try {
    const RunLock lock(path, "x.h5", "some-other-host");
    FAIL() << "a lock was broken that another host holds";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("; if that run cannot be alive, add --break-lock " + host_name()), std::string::npos)
        << message;
  }
  const RunLock lock(path, "x.h5", host_name());
  EXPECT_EQ(RunLock::holder(path)->find("pid " + std::to_string(::getpid()) + " on host "), 0u);
}

TEST(RunLock, OneThatWasBrokenLeavesTheNextOnesFileAlone) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5.lock";
  std::optional<RunLock> broken(std::in_place, path, "x.h5");
  const RunLock next(path, "x.h5", host_name());
  broken.reset();
  EXPECT_TRUE(RunLock::held(path));
}

TEST(RunLock, LeavesNothingBehind) {
  const TemporaryDirectory directory;
  { const RunLock lock(directory / "x.h5.lock", "x.h5"); }
  EXPECT_FALSE(RunLock::held(directory / "x.h5.lock"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(RunLock, AReadOnlyDiskIsRefusedByName) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  ASSERT_TRUE(disk.make_read_only());
  try {
    const RunLock lock(disk / "x.h5.lock", "x.h5");
    FAIL() << "locked on a read-only disk";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find((disk / "x.h5.lock") + ": Read-only file system"), std::string::npos);
  }
}

}  // namespace
}  // namespace telltale::store
