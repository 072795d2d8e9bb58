// Owned file descriptors and checked system calls: a message names the attempt, the path and the system's reason.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace telltale {

/// One owner a descriptor; closed quietly at the end of its life, or checked by close().
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  /// Throws Error naming `path` if the file system reports a late write error.
  void close(const std::string& path);

 private:
  int fd_;
};

/// While it lives, files that this process makes are for their owner alone, from the moment that they are there.
class OwnersFiles {
 public:
  OwnersFiles();
  ~OwnersFiles();
  OwnersFiles(const OwnersFiles&) = delete;
  OwnersFiles& operator=(const OwnersFiles&) = delete;

 private:
  unsigned before_;
};

/// Texts as exec() takes arguments and environments: pointers to them, and a null behind.
std::vector<char*> c_strings(std::vector<std::string>& texts);

/// "cannot <attempt> <path>: <reason of errno>"
std::string refusal(const std::string& attempt, const std::string& path, int error);

/// Writes all of `bytes` at `offset`; throws Error, with a part possibly written.
void write_at(int fd, ByteSpan bytes, std::uint64_t offset, const std::string& path);
/// Appends all of `bytes` to a file opened with O_APPEND; returns where they begin (0 if there are none). Throws Error,
/// with a part possibly written; also when another writer came between parts.
std::uint64_t append_to(int fd, ByteSpan bytes, const std::string& path);
/// Fills `target` from the start of `offset`; returns how many bytes the file had.
std::size_t read_at(int fd, std::span<std::uint8_t> target, std::uint64_t offset, const std::string& path);
std::uint64_t file_size(int fd, const std::string& path);
/// A file's bytes from its start; throws Error when it cannot be read.
Bytes read_file(const std::string& path);
/// Writes a file of these bytes, in place and without fsync: for what nobody needs after a crash. Throws Error.
void write_file(const std::string& path, ByteSpan bytes);

/// Data and metadata on disk, or an Error.
void sync_file(int fd, const std::string& path);
/// Makes names created, renamed or removed in `directory` durable.
void sync_directory(const std::string& directory);
/// The directory that holds `path`; "." for a bare name.
std::string directory_of(const std::string& path);

}  // namespace telltale
