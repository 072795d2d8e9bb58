// libhdf5 as the results file uses it: one thread at a time, silent, its reasons in our messages, its handles owned.
// For the sources of this room that include <hdf5.h> anyway.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/array.h"

namespace telltale::store::hdf5 {

/// libhdf5 is this thread's while the lock lives, and prints nothing.
[[nodiscard]] std::unique_lock<std::mutex> use_library();

/// Throws Error: "cannot <attempt>: <what libhdf5 says about its last failure>".
[[noreturn]] void throw_refused(const std::string& attempt);

template <typename Status>
Status check(Status status, const std::string& attempt) {
  if (status < 0) throw_refused(attempt);
  return status;
}

/// One owner an HDF5 handle; closed quietly at the end of its life, or checked by close().
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  /// Throws Error if `id` says that `attempt` failed.
  Handle(hid_t id, Close closer, const std::string& attempt) : id_(check(id, attempt)), close_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }

  [[nodiscard]] hid_t id() const { return id_; }
  void close(const std::string& attempt) { check(close_(std::exchange(id_, H5I_INVALID_HID)), attempt); }

 private:
  hid_t id_;
  Close close_;
};

Handle property_list(hid_t property_class);
/// Texts of variable length in UTF-8.
Handle string_type();
/// No dimension: a scalar. `object` names what has that shape.
Handle data_space(const std::vector<hsize_t>& shape, const std::string& object);
/// How an element lies in the file. Not to be closed.
hid_t file_type(DType type);

/// libhdf5 tells open files apart by name, and looks for them on disk even when they live in memory: a new name each
/// time, under a directory that cannot be one.
std::string name_in_memory();

}  // namespace telltale::store::hdf5
