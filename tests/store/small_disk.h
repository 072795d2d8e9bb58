// A file system of 64 KB that tests can fill and make read-only: as root, permissions alone would stop nothing.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "core/temporary_directory.h"

namespace telltale::store {

class SmallDisk {
 public:
  SmallDisk() {
    if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=64k") != 0) why_not_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted()) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] bool mounted() const { return why_not_.empty(); }
  /// For GTEST_SKIP().
  [[nodiscard]] std::string why_not() const { return "a tmpfs cannot be mounted here: " + why_not_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return directory_ / name; }

  /// Leaves `free_bytes` (a multiple of 4096) of the disk.
  void fill(std::size_t free_bytes) const {
    std::ofstream(directory_ / "filler") << std::string(64 * 1024, 'x') << std::flush;
    std::filesystem::resize_file(directory_ / "filler", std::filesystem::file_size(directory_ / "filler") - free_bytes);
  }
  void free() const { std::filesystem::remove(directory_ / "filler"); }

  [[nodiscard]] bool make_read_only() const {
    return ::mount(nullptr, directory_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "size=64k") == 0;
  }

 private:
  TemporaryDirectory directory_;
  std::string why_not_;
};

}  // namespace telltale::store
