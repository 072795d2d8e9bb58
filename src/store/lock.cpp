#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "core/error.h"
#include "core/posix.h"
#include "core/process.h"

namespace telltale::store {
namespace {

// holder() takes a shared lock for a moment: a run that starts just then must not take it for another run.
constexpr int attempts = 10;
constexpr auto pause_between = std::chrono::milliseconds(20);

bool lock_now(int fd, int operation, const std::string& path) {
  while (::flock(fd, operation | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw InputError(refusal("lock", path, errno));
  }
  return true;
}

}  // namespace

std::string describe_this_process() {
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  ::gmtime_r(&now, &utc);
  char since[32];
  std::strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return "pid " + std::to_string(::getpid()) + " on host " + host_name() + ", since " + since;
}

namespace {

std::string description(int fd, const std::string& path) {
  Bytes bytes(4096);
  bytes.resize(read_at(fd, bytes, 0, path));
  std::string text(as_text(bytes));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "it has not said who" : text;
}

// The host that a description names.
std::string host_in(const std::string& description) {
  const std::string_view before = " on host ";
  const std::size_t begin = description.find(before);
  if (begin == std::string::npos) return "";
  return description.substr(begin + before.size(), description.find(", since ") - begin - before.size());
}

// The file may have been removed by its last holder between open() and flock(): then the lock guards nothing.
bool still_named(int fd, const std::string& path) {
  struct stat open_file, named_file;
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino && open_file.st_dev == named_file.st_dev;
}

}  // namespace

struct RunLock::State {
  std::string path;
  FileDescriptor file;

  State(std::string lock_path, FileDescriptor locked) : path(std::move(lock_path)), file(std::move(locked)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  // Removed while still locked, so that nobody else can hold a lock on the name that goes; unless this lock was broken,
  // and the name is another run's.
  ~State() {
    if (still_named(file.get(), path)) ::unlink(path.c_str());
  }
};

RunLock::RunLock(const std::string& path, const std::string& guarded, const std::string& broken) {
  for (int attempt = 1; !state_; ++attempt) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file.valid()) throw InputError(refusal("create the lock file", path, errno));
    if (lock_now(file.get(), LOCK_EX, path)) {
      if (still_named(file.get(), path)) state_ = std::make_unique<State>(path, std::move(file));
    } else if (attempt >= attempts) {
      const std::string holder = description(file.get(), path);
      const std::string host = host_in(holder);
      if (broken.empty() || broken != host)
        throw InputError("another run (" + holder + ") is writing " + guarded +
                         (host.empty() ? "" : "; if that run cannot be alive, add --break-lock " + host));
      ::unlink(path.c_str());
      attempt = 0;
    } else {
      std::this_thread::sleep_for(pause_between);
    }
  }
  try {
    const std::string self = describe_this_process() + "\n";
    const int fd = state_->file.get();
    if (::ftruncate(fd, 0) != 0) throw Error(refusal("write", path, errno));
    write_at(fd, as_bytes(self), 0, path);
  } catch (const Error& error) {
    throw InputError(error.what());
  }
}

RunLock::~RunLock() = default;
RunLock::RunLock(RunLock&&) noexcept = default;
RunLock& RunLock::operator=(RunLock&&) noexcept = default;

std::optional<std::string> RunLock::holder(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return std::nullopt;
    throw InputError(refusal("read the lock file", path, errno));
  }
  if (lock_now(file.get(), LOCK_SH, path)) return std::nullopt;
  return description(file.get(), path);
}

}  // namespace telltale::store
