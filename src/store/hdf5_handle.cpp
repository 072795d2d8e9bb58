#include "store/hdf5_handle.h"

#include <cstdint>

#include "core/error.h"

namespace telltale::store::hdf5 {
namespace {

herr_t collect_reason(unsigned, const H5E_error2_t* error, void* reasons) {
  if (error->desc != nullptr && *error->desc != '\0')
    static_cast<std::vector<std::string>*>(reasons)->emplace_back(error->desc);
  return 0;
}

// What libhdf5 says about its last failure: the innermost reason, then what it was doing.
std::string library_reason() {
  std::vector<std::string> reasons;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect_reason, &reasons);
  if (reasons.empty()) return "libhdf5 gives no reason";
  return reasons.size() == 1 ? reasons.front() : reasons.front() + " (" + reasons.back() + ")";
}

}  // namespace

std::unique_lock<std::mutex> use_library() {
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "silence libhdf5");
  return lock;
}

void throw_refused(const std::string& attempt) { throw Error("cannot " + attempt + ": " + library_reason()); }

Handle property_list(hid_t property_class) {
  return {H5Pcreate(property_class), H5Pclose, "create an HDF5 property list"};
}

Handle string_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "create the HDF5 string type");
  check(H5Tset_size(type.id(), H5T_VARIABLE), "create the HDF5 string type");
  check(H5Tset_cset(type.id(), H5T_CSET_UTF8), "create the HDF5 string type");
  return type;
}

Handle data_space(const std::vector<hsize_t>& shape, const std::string& object) {
  return {
      shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
      H5Sclose, "describe the shape of " + object};
}

hid_t file_type(DType type) {
  switch (type) {
    case DType::float32: return H5T_IEEE_F32LE;
    case DType::float64: return H5T_IEEE_F64LE;
    case DType::int32: return H5T_STD_I32LE;
    case DType::int64: return H5T_STD_I64LE;
    case DType::uint8: return H5T_STD_U8LE;
  }
  throw Error("an array of unknown element type");
}

std::string name_in_memory() {
  static std::uint64_t count = 0;
  return "/dev/null/results " + std::to_string(++count);
}

}  // namespace telltale::store::hdf5
