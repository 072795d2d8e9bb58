#include "cluster/crash_note.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace telltale::cluster {
namespace {

class CrashNotes : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "telltale-crash-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    prefix_ = folder_ + "/x.h5.crash";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Runs `body` in a child process that keeps notes as rank 3, and returns its wait status.
  int in_child(const std::function<void()>& body) const {
    const pid_t child = fork();
    if (child == 0) {
      const CrashNote note(prefix_, 3);
      body();
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }

  std::string folder_;
  std::string prefix_;
};

// Not inlined and not a tail call, so that every level needs stack.
__attribute__((noinline)) int endless(volatile int* depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  if (*depth < 0) return 0;  // never, but the compiler cannot know
  return endless(depth) + room[0];
}

TEST_F(CrashNotes, NameTheTaskAndTheSignal) {
  const int status = in_child([] {
    { const CrashNote::Task earlier(Identity::of("earlier")); }
    const CrashNote::Task poison(Identity::of("poison"));
    const std::thread other([] {
      const CrashNote::Task innocent(Identity::of("of another thread"));
      sleep(60);
    });
    raise(SIGILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGILL);
  const auto crashes = read_crash_notes(prefix_);
  ASSERT_EQ(crashes.size(), 1U);
  EXPECT_EQ(crashes[0].identity, Identity::of("poison"));
  EXPECT_EQ(crashes[0].signal, SIGILL);
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "notes are read once";
}

TEST_F(CrashNotes, CoverAbort) {
  const int status = in_child([] {
    const CrashNote::Task task(Identity::of("aborts"));
    abort();
  });
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  ASSERT_EQ(read_crash_notes(prefix_).size(), 1U);
}

TEST_F(CrashNotes, CoverAStackOverflowOnAProtectedThread) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer reports stack overflows itself";
#endif
  const int status = in_child([] {
    std::thread([] {
      CrashNote::protect_thread();
      const CrashNote::Task task(Identity::of("recursive"));
      int depth = 0;
      endless(&depth);
    }).join();
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto crashes = read_crash_notes(prefix_);
  ASSERT_EQ(crashes.size(), 1U);
  EXPECT_EQ(crashes[0].identity, Identity::of("recursive"));
  EXPECT_EQ(crashes[0].signal, SIGSEGV);
}

TEST_F(CrashNotes, BlameNoTaskWhenNoneRuns) {
  in_child([] {
    { const CrashNote::Task innocent(Identity::of("innocent")); }
    raise(SIGBUS);
  });
  EXPECT_TRUE(read_crash_notes(prefix_).empty());
}

TEST_F(CrashNotes, AreNotLeftByAKill) {
  in_child([] {
    const CrashNote::Task task(Identity::of("killed"));
    raise(SIGKILL);
  });
  EXPECT_TRUE(read_crash_notes(prefix_).empty());
}

TEST_F(CrashNotes, ThatAreCutShortAreDropped) {
  std::ofstream(prefix_ + ".0") << Identity::of("a").hex() << " 11\n" << Identity::of("b").hex().substr(0, 40);
  std::ofstream(folder_ + "/another.h5.crash.0") << Identity::of("c").hex() << " 11\n";
  const auto crashes = read_crash_notes(prefix_);
  ASSERT_EQ(crashes.size(), 1U);
  EXPECT_EQ(crashes[0].identity, Identity::of("a"));
}

TEST_F(CrashNotes, OfAFolderThatDoesNotExistAreNone) { EXPECT_TRUE(read_crash_notes(folder_ + "/gone/x").empty()); }

}  // namespace
}  // namespace telltale::cluster
