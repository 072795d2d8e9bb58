#include "core/posix.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

namespace telltale {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void FileDescriptor::close(const std::string& path) {
  // After EINTR Linux has closed the descriptor all the same: never twice.
  if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) throw Error(refusal("close", path, errno));
}

OwnersFiles::OwnersFiles() : before_(umask(S_IRWXG | S_IRWXO)) {}
OwnersFiles::~OwnersFiles() { umask(before_); }

std::vector<char*> c_strings(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::string refusal(const std::string& attempt, const std::string& path, int error) {
  return "cannot " + attempt + " " + path + ": " + std::generic_category().message(error);
}

void write_at(int fd, ByteSpan bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error(refusal("write", path, errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

std::uint64_t append_to(int fd, ByteSpan bytes, const std::string& path) {
  std::optional<std::uint64_t> begin;
  std::uint64_t end = 0;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error(refusal("write", path, errno));
    }
    // With O_APPEND the position is behind what was just written.
    const off_t position = ::lseek(fd, 0, SEEK_CUR);
    if (position < 0) throw Error(refusal("examine", path, errno));
    const std::uint64_t at = static_cast<std::uint64_t>(position) - static_cast<std::uint64_t>(written);
    if (begin && at != end) throw Error("another process wrote into the middle of what was appended to " + path);
    if (!begin) begin = at;
    end = static_cast<std::uint64_t>(position);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return begin.value_or(0);
}

std::size_t read_at(int fd, std::span<std::uint8_t> target, std::uint64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < target.size()) {
    const ssize_t got = ::pread(fd, target.data() + done, target.size() - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw Error(refusal("read", path, errno));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::uint64_t file_size(int fd, const std::string& path) {
  struct stat status;
  if (::fstat(fd, &status) != 0) throw Error(refusal("examine", path, errno));
  return static_cast<std::uint64_t>(status.st_size);
}

Bytes read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) throw Error(refusal("read", path, errno));
  Bytes bytes(file_size(file.get(), path));
  bytes.resize(read_at(file.get(), bytes, 0, path));
  return bytes;
}

void write_file(const std::string& path, ByteSpan bytes) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.valid()) throw Error(refusal("write", path, errno));
  while (!bytes.empty()) {  // not write_at(): the path may name a pipe
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error(refusal("write", path, errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  file.close(path);
}

void sync_file(int fd, const std::string& path) {
  while (::fsync(fd) != 0)
    if (errno != EINTR) throw Error(refusal("write", path, errno));
}

void sync_directory(const std::string& directory) {
  const FileDescriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle.valid()) throw Error(refusal("open", directory, errno));
  while (::fsync(handle.get()) != 0) {
    if (errno == EINVAL) return;  // a file system without directory fsync orders names itself
    if (errno != EINTR) throw Error(refusal("write", directory, errno));
  }
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace telltale
