#include "core/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "core/error.h"

namespace telltale {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

// Whether it is so in a confined process of its own.
bool in_confinement(const std::function<bool()>& holds) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      confine(gib);
      _exit(holds() ? 0 : 1);
    } catch (...) {
      _exit(2);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool refused(long result) { return result < 0 && errno == EACCES; }

TEST(Confinement, NoFileIsOpened) {
  EXPECT_TRUE(in_confinement([] {
    return refused(open("/etc/hostname", O_RDONLY)) && refused(open("confined", O_WRONLY | O_CREAT, 0600)) &&
           refused(unlink("confined")) && refused(rename("confined", "other"));
  }));
}

TEST(Confinement, WhatIsOpenStaysOpen) {
  const int file = open("/proc/self/exe", O_RDONLY);
  EXPECT_TRUE(in_confinement([&] {
    char byte = 0;
    return read(file, &byte, 1) == 1;
  }));
  close(file);
}

TEST(Confinement, NoNetworkNoProgramAndNoOtherProcessIsReached) {
  const pid_t parent = getpid();
  EXPECT_TRUE(in_confinement([&] {
    char name[] = "/bin/true";
    char* const words[] = {name, nullptr};
    return refused(socket(AF_INET, SOCK_STREAM, 0)) && refused(execv(name, words)) && refused(fork()) &&
           refused(kill(parent, 0));
  }));
}

TEST(Confinement, ThreadsMayStillBeStarted) {
  EXPECT_TRUE(in_confinement([] {
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    return ran;
  }));
}

TEST(Confinement, MemoryEnds) {
  EXPECT_TRUE(in_confinement([] {
    void* more = mmap(nullptr, 2 * gib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return more == MAP_FAILED && errno == ENOMEM;
  }));
}

}  // namespace
}  // namespace telltale
