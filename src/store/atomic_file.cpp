#include "store/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "core/posix.h"
#include "core/process.h"

namespace telltale::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_mark = ".telltale.";
constexpr auto stale_age = std::chrono::hours(24);

// ".<name>.telltale.<pid>.<count>.<host>": says who writes it, so that others know when it is left over.
std::string temporary_for(const std::string& path) {
  static std::atomic<unsigned> count{0};
  const fs::path target(path);
  std::string name(1, '.');
  name.append(target.filename().string()).append(temporary_mark);
  name.append(std::to_string(::getpid())).append(1, '.').append(std::to_string(count++)).append(1, '.');
  name.append(host_name());
  return (target.parent_path() / name).string();
}

struct Writer {
  std::string_view name;  ///< of the file it was to become
  pid_t pid;
  std::string_view host;
};

std::optional<Writer> parse_temporary(std::string_view file) {
  const std::size_t mark = file.rfind(temporary_mark);
  if (!file.starts_with('.') || mark == std::string_view::npos) return std::nullopt;
  Writer writer{file.substr(1, mark - 1), 0, {}};
  const std::string_view rest = file.substr(mark + temporary_mark.size());
  const char* const end = rest.data() + rest.size();
  const auto [after_pid, bad_pid] = std::from_chars(rest.data(), end, writer.pid);
  if (bad_pid != std::errc() || after_pid == end || *after_pid != '.') return std::nullopt;
  unsigned count;
  const auto [after_count, bad_count] = std::from_chars(after_pid + 1, end, count);
  if (bad_count != std::errc() || after_count == end || *after_count != '.') return std::nullopt;
  writer.host = {after_count + 1, end};
  return writer;
}

// A killed process that its parent has not waited for keeps its number, and writes nothing any more.
bool lives(pid_t pid) {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return false;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string status;
  std::getline(file, status);  // "<pid> (<name>) <state> ..."
  const std::size_t name_end = status.rfind(')');
  return name_end == std::string::npos || name_end + 2 >= status.size() ||
         (status[name_end + 2] != 'Z' && status[name_end + 2] != 'X');
}

bool left_over(const fs::directory_entry& entry, const Writer& writer) {
  if (writer.host == host_name() && !lives(writer.pid)) return true;
  std::error_code ignored;
  const auto written = entry.last_write_time(ignored);
  return !ignored && fs::file_time_type::clock::now() - written > stale_age;
}

// Removes the temporary name unless it was published.
class Temporary {
 public:
  explicit Temporary(std::string name) : name_(std::move(name)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!published_) ::unlink(name_.c_str());
  }

  void publish(const std::string& path) {
    if (std::rename(name_.c_str(), path.c_str()) != 0) throw Error(refusal("replace", path, errno));
    published_ = true;
  }

 private:
  std::string name_;
  bool published_ = false;
};

}  // namespace

void write_file_atomically(const std::string& path, std::initializer_list<ByteSpan> parts) {
  const std::string name = temporary_for(path);
  FileDescriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.valid()) throw Error(refusal("create", path, errno));
  Temporary temporary(name);
  std::uint64_t offset = 0;
  for (const ByteSpan part : parts) {
    write_at(file.get(), part, offset, path);
    offset += part.size();
  }
  sync_file(file.get(), path);
  file.close(path);
  temporary.publish(path);
  sync_directory(directory_of(path));
}

void remove_stale_temporaries(const std::string& directory, const std::string& name) noexcept {
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
      const std::string file = entry.path().filename().string();
      const auto writer = parse_temporary(file);
      if (!writer || (!name.empty() && writer->name != name)) continue;
      std::error_code ignored;
      if (entry.is_regular_file(ignored) && left_over(entry, *writer)) fs::remove(entry.path(), ignored);
    }
  } catch (const std::exception&) {
    // A directory that cannot be listed is found out by whoever writes to it, with a better message.
  }
}

}  // namespace telltale::store
