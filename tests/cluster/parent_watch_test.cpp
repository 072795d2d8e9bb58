#include "cluster/parent_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace telltale::cluster {
namespace {

using namespace std::chrono_literals;

/// Starts a launcher with one watched rank, and kills the launcher if asked to. Returns whether the rank ended within
/// `limit`: its end of a pipe is then closed.
bool rank_ends(bool kill_launcher, std::chrono::milliseconds limit) {
  std::array<int, 2> rank_lives{};
  std::array<int, 2> rank_watches{};
  EXPECT_EQ(pipe(rank_lives.data()), 0);
  EXPECT_EQ(pipe(rank_watches.data()), 0);
  const pid_t launcher = fork();
  if (launcher == 0) {
    if (fork() == 0) {
      const ParentWatch watch;
      const pid_t self = getpid();
      if (write(rank_watches[1], &self, sizeof self) != sizeof self) _exit(1);
      std::this_thread::sleep_for(300s);
      _exit(0);
    }
    close(rank_lives[1]);
    close(rank_watches[1]);
    std::this_thread::sleep_for(300s);
    _exit(0);
  }
  close(rank_lives[1]);
  close(rank_watches[1]);
  pid_t rank = 0;
  EXPECT_EQ(read(rank_watches[0], &rank, sizeof rank), static_cast<ssize_t>(sizeof rank));
  if (kill_launcher) kill(launcher, SIGKILL);
  pollfd closed{rank_lives[0], POLLIN, 0};
  const bool ended = poll(&closed, 1, static_cast<int>(limit.count())) == 1;
  if (!ended) kill(rank, SIGKILL);
  if (!kill_launcher) kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  close(rank_lives[0]);
  close(rank_watches[0]);
  return ended;
}

TEST(ParentWatch, EndsTheProcessWhenItsParentIsGone) { EXPECT_TRUE(rank_ends(true, 120s)); }

TEST(ParentWatch, LeavesTheProcessAloneWhileItsParentLives) { EXPECT_FALSE(rank_ends(false, 1500ms)); }

TEST(ParentWatch, EndsAtOnce) {
  // It looks up twice a second: one that waited for its next look would need half a second each time, and the quickest
  // of several does not depend on what else this machine does.
  auto quickest = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 10; ++i) {
    const auto start = std::chrono::steady_clock::now();
    { const ParentWatch watch; }
    quickest = std::min(quickest, std::chrono::steady_clock::now() - start);
  }
  EXPECT_LT(quickest, 400ms);
}

}  // namespace
}  // namespace telltale::cluster
