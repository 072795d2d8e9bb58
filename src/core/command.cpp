#include "core/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/posix.h"

extern char** environ;

namespace telltale {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  FileDescriptor read, write;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error("cannot make a pipe: " + std::string(strerror(errno)));
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
};

// Killed and waited for, unless that was done.
class Child {
 public:
  Child(const std::vector<std::string>& words, const std::vector<std::string>& variables, int output, int errors) {
    std::vector<std::string> arguments = words, environment = variables;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    // The thread that starts it may have signals blocked.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int problem = posix_spawnp(&pid_, arguments.front().c_str(), &actions, &attributes,
                                     c_strings(arguments).data(), c_strings(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) throw Error("cannot start " + words.front() + ": " + strerror(problem));
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // None: it still runs.
  std::optional<int> exit_code() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = 0;
};

}  // namespace

CommandResult run_command(const std::vector<std::string>& words, const std::vector<std::string>& variables,
                          std::chrono::milliseconds limit, const std::function<bool()>& given_up) {
  Pipe output, errors;
  Child child(words, variables, output.write.get(), errors.write.get());
  output.write = FileDescriptor();
  errors.write = FileDescriptor();
  CommandResult result;
  const auto end = Clock::now() + limit;
  std::array<pollfd, 2> open{{{output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}}};
  const std::array<std::string*, 2> texts{&result.output, &result.errors};
  const auto check = [&] {
    if (Clock::now() >= end || (given_up && given_up())) throw Error(words.front() + " did not come to an end");
  };
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    check();
    constexpr int between_checks_ms = 100;
    if (poll(open.data(), open.size(), between_checks_ms) <= 0) continue;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      std::array<char, 4096> part;
      const ssize_t got = read(open[i].fd, part.data(), part.size());
      if (got > 0)
        texts[i]->append(part.data(), static_cast<std::size_t>(got));
      else if (got == 0 || errno != EINTR)
        open[i].fd = -1;  // poll passes over it
    }
  }
  // It may go on without its streams.
  std::optional<int> code;
  for (; !(code = child.exit_code()); check()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  result.exit_code = *code;
  return result;
}

}  // namespace telltale
