#include "experiments/boundary/replay_process.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "core/error.h"
#include "core/posix.h"
#include "experiments/boundary/replay.h"
#include "models/weights.h"

extern char** environ;

namespace telltale::experiments {
namespace {

// A file without a name on any disk: however this process ends, nothing of it is left. The child opens it by `path`.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
    if (!descriptor_.valid()) throw Error(refusal("make", std::string("a file in memory, ") + name, errno));
    path_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_.get());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  FileDescriptor descriptor_;
  std::string path_;
};

// Without what tells a process that a launcher started it: the child is no rank.
std::vector<std::string> environment_outside_mpi() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    bool launcher = false;
    for (const char* prefix : {"OMPI_", "PMIX_", "PMI_", "PRTE_", "SLURM_"}) launcher |= variable.starts_with(prefix);
    if (!launcher) kept.emplace_back(variable);
  }
  return kept;
}

}  // namespace

// Its standard input and output are one end of a pair of sockets: unlike a pipe's, a write to a dead child is no
// signal.
class ReplayProcess::Child {
 public:
  explicit Child(int batch) : batch_(batch) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw Error("cannot talk to a process that replays samples: " + std::string(strerror(errno)));
    socket_ = ends[0];
    std::vector<std::string> arguments{"telltale", "replay", "--serve", "--search-batch", std::to_string(batch)};
    std::vector<std::string> environment = environment_outside_mpi();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.path().c_str(), O_WRONLY | O_APPEND, 0);
    // It outlives a single task: what this rank has open is no business of it.
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    const int problem = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, c_strings(arguments).data(),
                                    c_strings(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (problem == 0) return;
    close(socket_);
    throw Error("cannot start a process to replay samples: " + std::string(strerror(problem)));
  }
  ~Child() {
    close(socket_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] int batch() const { return batch_; }
  [[nodiscard]] bool alive() {
    int status = 0;
    if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) pid_ = 0;
    return pid_ > 0;
  }

  std::vector<float> predict(const Identity& model, ByteSpan network, const forensics::Point& point,
                             const data::ImageShape& shape, const std::function<void()>& check) {
    if (!model_ || model != model_of_) {
      // The child keeps the network of the last path: the next one is made before that is given back.
      MemoryFile next("model");
      write_file(next.path(), network);
      model_ = std::move(next);
      model_of_ = model;
    }
    const at::Tensor stored = at::empty({1, shape.channels, shape.height, shape.width}, at::kFloat);
    std::memcpy(stored.data_ptr<float>(), point.data(), shape.pixels() * sizeof(float));
    write_file(points_.path(), models::write_tensors({{{"points", stored}}, {}}));
    send_all(model_->path() + "\n" + points_.path() + "\n" + logits_.path() + "\n");
    if (const std::string answer = line(check); answer != "done")
      throw Error("the process that replays samples " + answer);
    const at::Tensor logits = models::read_tensors(read_file(logits_.path())).at("logits");
    if (logits.dim() != 2 || logits.size(0) != 1 || logits.scalar_type() != at::kFloat)
      throw Error("the process that replays samples answered something else");
    const float* first = logits.data_ptr<float>();
    return {first, first + logits.size(1)};
  }

 private:
  void send_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) died();
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Up to the end of the line, which it says nothing behind.
  std::string line(const std::function<void()>& check) {
    std::string said;
    for (;;) {
      check();
      pollfd readable{socket_, POLLIN, 0};
      constexpr int between_checks_ms = 20;
      if (poll(&readable, 1, between_checks_ms) <= 0) continue;
      char part[512];
      const ssize_t got = recv(socket_, part, sizeof part, MSG_DONTWAIT);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) died();
      said.append(part, static_cast<std::size_t>(got));
      if (said.back() == '\n') return said.substr(0, said.size() - 1);
    }
  }

  // It has closed its end, as only its end does.
  [[noreturn]] void died() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    std::ostringstream log;
    log << std::ifstream(log_.path()).rdbuf();
    throw Error("the process that replays samples " +
                (WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                     : "ended with exit code " + std::to_string(WEXITSTATUS(status))) +
                (log.str().empty() ? "" : ": " + log.str()));
  }

  MemoryFile log_{"log"}, points_{"points"}, logits_{"logits"};
  std::optional<MemoryFile> model_;  // the last one
  Identity model_of_;
  int batch_;
  int socket_ = -1;
  pid_t pid_ = 0;  // 0: it has ended
};

ReplayProcess::ReplayProcess() = default;
ReplayProcess::~ReplayProcess() = default;

std::vector<float> ReplayProcess::predict(const Identity& model, ByteSpan network, const forensics::Point& point,
                                          const data::ImageShape& shape, int batch,
                                          const std::function<void()>& check) {
  if (!child_ || child_->batch() != batch || !child_->alive()) {
    child_.reset();  // never two of them
    child_ = std::make_unique<Child>(batch);
  }
  try {
    return child_->predict(model, network, point, shape, check);
  } catch (...) {
    child_.reset();  // it may be in the middle of something
    throw;
  }
}

}  // namespace telltale::experiments
