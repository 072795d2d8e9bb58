#include "store/results_file.h"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include "core/json.h"
#include "core/posix.h"
#include "store/atomic_file.h"

namespace telltale::store {
namespace {

// ---- libhdf5: one thread at a time, silent, its reasons in our messages, its handles owned

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

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

[[noreturn]] void throw_refused(const std::string& attempt) {
  throw Error("cannot " + attempt + ": " + library_reason());
}

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

// libhdf5 tells open files apart by name, and looks for them on disk even when they live in memory: a new name each
// time, under a directory that cannot be one.
std::string name_in_memory() {
  static std::uint64_t count = 0;
  return "/dev/null/results " + std::to_string(++count);
}

// ---- names and texts

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) > 0; });
}

// HDF5's variable-length strings end at a zero byte, and Python's readers refuse what is not UTF-8.
std::string clean_text(const std::string& text) {
  if (is_ascii(text)) return text;
  static constexpr std::string_view replacement = "\xef\xbf\xbd";
  std::string valid = Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
  for (std::size_t at = valid.find('\0'); at != std::string::npos; at = valid.find('\0', at))
    valid.replace(at, 1, replacement);
  return valid;
}

const std::set<std::string, std::less<>>& reserved_attributes() {
  static const std::set<std::string, std::less<>> names{"CLASS",          "NAME",          "DIMENSION_LIST",
                                                        "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates",
                                                        "_NCProperties",  "_nc3_strict",   "_FillValue"};
  return names;
}

void check_name(const std::string& name, const std::string& where) {
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
  if (name.empty() || name == "." || name.find('/') != std::string::npos || !printable || name.front() == ' ' ||
      name.back() == ' ' || clean_text(name) != name)
    throw Error("'" + name + "' in " + where + " cannot be a name in a results file");
}

constexpr std::string_view bare_dimension = "This is a netCDF dimension but not a netCDF variable.";

std::string path_in(const std::string& group, const std::string& name) {
  return group == "/" ? "/" + name : group + "/" + name;
}

// ---- writing

// Rows are kept whole where they fit: the outermost dimensions are cut first.
std::vector<hsize_t> chunk_shape(const std::vector<hsize_t>& shape, std::size_t element_bytes) {
  std::vector<hsize_t> chunk = shape;
  std::uint64_t inner_bytes = element_bytes;
  for (std::size_t i = shape.size(); i-- > 0;) {
    chunk[i] = std::min<hsize_t>(shape[i], std::max<hsize_t>(1, chunk_limit_bytes / inner_bytes));
    inner_bytes *= chunk[i];
  }
  return chunk;
}

void track_creation_order(const Handle& list, herr_t (*set)(hid_t, unsigned)) {
  check(set(list.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), "track the creation order in HDF5");
}

// For data sets, groups and files: nothing in a file depends on when it was written.
void leave_times_out(const Handle& list) {
  check(H5Pset_obj_track_times(list.id(), false), "leave time stamps out of HDF5");
}

class Writer {
 public:
  Bytes write(const Group& root) {
    write_group(file_.id(), "/", root);
    check(H5Fflush(file_.id(), H5F_SCOPE_GLOBAL), "complete the results file");
    const ssize_t size = check(H5Fget_file_image(file_.id(), nullptr, 0), "size the results file");
    Bytes image(static_cast<std::size_t>(size));
    check(H5Fget_file_image(file_.id(), image.data(), image.size()), "take the results file");
    file_.close("close the results file");
    return image;
  }

 private:
  struct Scale {
    std::string name;
    hsize_t size;
    Handle dataset;
  };

  // In memory only (the core driver): a full disk meets our own write, never libhdf5 with an open file.
  static Handle create_file() {
    const Handle access = property_list(H5P_FILE_ACCESS);
    constexpr std::size_t growth_bytes = 1 << 20;
    check(H5Pset_fapl_core(access.id(), growth_bytes, false), "build a results file in memory");
    // The earliest superblock: of a later one H5Fget_file_image() leaves a wrong checksum behind (seen in 1.10.8).
    check(H5Pset_libver_bounds(access.id(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), "choose the HDF5 format");
    check(H5Pset_fclose_degree(access.id(), H5F_CLOSE_SEMI), "have HDF5 refuse to close with open objects");
    const Handle creation = property_list(H5P_FILE_CREATE);
    track_creation_order(creation, H5Pset_link_creation_order);
    track_creation_order(creation, H5Pset_attr_creation_order);
    leave_times_out(creation);
    return {H5Fcreate(name_in_memory().c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose,
            "build a results file"};
  }

  void write_group(hid_t id, const std::string& path, const Group& group) {
    check_names(path, group);
    write_attributes(id, path, group.attributes);
    const std::size_t outer_scales = scales_.size();
    for (const Dimension& dimension : group.dimensions) write_dimension(id, path, group, dimension);
    for (const Variable& variable : group.variables)
      if (group.find_dimension(variable.name) == nullptr) attach(write_variable(id, path, variable), path, variable);
    for (const Group& child : group.children) {
      const std::string child_path = path_in(path, child.name);
      const Handle creation = property_list(H5P_GROUP_CREATE);
      track_creation_order(creation, H5Pset_link_creation_order);
      track_creation_order(creation, H5Pset_attr_creation_order);
      leave_times_out(creation);
      Handle handle(H5Gcreate2(id, child.name.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Gclose,
                    "create the group " + child_path);
      write_group(handle.id(), child_path, child);
      handle.close("close the group " + child_path);
    }
    while (scales_.size() > outer_scales) {
      scales_.back().dataset.close("close the dimension " + path_in(path, scales_.back().name));
      scales_.pop_back();
    }
  }

  static void check_names(const std::string& path, const Group& group) {
    std::set<std::string> objects, dimensions;
    const auto take = [&](std::set<std::string>& taken, const std::string& name) {
      check_name(name, "group " + path);
      if (!taken.insert(name).second) throw Error("'" + name + "' is used twice in group " + path);
    };
    for (const Dimension& dimension : group.dimensions) take(dimensions, dimension.name);
    for (const Variable& variable : group.variables) take(objects, variable.name);
    for (const Group& child : group.children) {
      take(objects, child.name);
      if (dimensions.contains(child.name)) throw Error("'" + child.name + "' is used twice in group " + path);
    }
  }

  void write_dimension(hid_t id, const std::string& path, const Group& group, const Dimension& dimension) {
    const std::string object = path_in(path, dimension.name);
    if (dimension.size < 0) throw Error("the dimension " + object + " has a negative size");
    const auto size = static_cast<hsize_t>(dimension.size);
    const std::string attempt = "make " + object + " a dimension";
    if (const Variable* const labels = group.find_variable(dimension.name)) {
      if (labels->dimensions != std::vector{dimension.name})
        throw Error("the variable " + object + " has the name of a dimension, but not it alone as its dimension");
      // Known first, so that the variable finds its own dimension; its data set replaces the handle.
      scales_.push_back({dimension.name, size, property_list(H5P_DATASET_CREATE)});
      scales_.back().dataset = write_variable(id, path, *labels);
      check(H5DSset_scale(scales_.back().dataset.id(), dimension.name.c_str()), attempt);
    } else {
      const Handle creation = dataset_creation();
      const Handle space = data_space({size}, object);
      Handle dataset(
          H5Dcreate2(id, dimension.name.c_str(), H5T_IEEE_F32BE, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
          H5Dclose, "create the dimension " + object);
      std::array<char, 16> digits;
      std::snprintf(digits.data(), digits.size(), "%10lld", static_cast<long long>(dimension.size));
      check(H5DSset_scale(dataset.id(), (std::string(bare_dimension) + digits.data()).c_str()), attempt);
      scales_.push_back({dimension.name, size, std::move(dataset)});
    }
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose, attempt);
    write_attribute(scales_.back().dataset.id(), "_Netcdf4Dimid", H5T_STD_I32LE, H5T_NATIVE_INT, space, &dimension_ids_,
                    object);
    ++dimension_ids_;
  }

  // Of the dimensions in scope, the innermost of that name.
  const Scale& scale(const std::string& name, const std::string& object) const {
    const auto found = std::find_if(scales_.rbegin(), scales_.rend(), [&](const Scale& s) { return s.name == name; });
    if (found == scales_.rend()) throw Error("the variable " + object + " has the unknown dimension '" + name + "'");
    return *found;
  }

  static Handle dataset_creation() {
    Handle list = property_list(H5P_DATASET_CREATE);
    track_creation_order(list, H5Pset_attr_creation_order);
    leave_times_out(list);
    return list;
  }

  Handle write_variable(hid_t id, const std::string& path, const Variable& variable) const {
    const std::string object = path_in(path, variable.name);
    std::vector<hsize_t> shape;
    for (const std::string& name : variable.dimensions) {
      if (std::count(variable.dimensions.begin(), variable.dimensions.end(), name) > 1)
        throw Error("the variable " + object + " has the dimension '" + name + "' twice: give the second its own name");
      shape.push_back(scale(name, object).size);
    }
    if (const auto* const texts = std::get_if<std::vector<std::string>>(&variable.data))
      return write_strings(id, object, variable, shape, *texts);
    return write_numbers(id, object, variable, shape, variable.numbers());
  }

  static Handle write_numbers(hid_t id, const std::string& object, const Variable& variable,
                              const std::vector<hsize_t>& shape, const Array& array) {
    if (!std::equal(shape.begin(), shape.end(), array.shape.begin(), array.shape.end(),
                    [](hsize_t a, std::int64_t b) { return std::cmp_equal(a, b); }) ||
        array.data.size() != array.elements() * size_of(array.dtype))
      throw Error("the data of variable " + object + " do not fit its dimensions");
    const hid_t type = file_type(array.dtype);
    const Handle creation = dataset_creation();
    if (!shape.empty() && array.data.size() >= compression_limit_bytes) {
      const std::vector<hsize_t> chunk = chunk_shape(shape, size_of(array.dtype));
      const std::string attempt = "choose the storage of " + object;
      check(H5Pset_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()), attempt);
      check(H5Pset_shuffle(creation.id()), attempt);
      constexpr unsigned deflate_level = 4;
      check(H5Pset_deflate(creation.id(), deflate_level), attempt);
      check(H5Pset_fletcher32(creation.id()), attempt);
    }
    if (variable.fill) {
      if (variable.fill->dtype != array.dtype || variable.fill->data.size() != size_of(array.dtype))
        throw Error("the fill value of variable " + object + " is not of its type");
      check(H5Pset_fill_value(creation.id(), type, variable.fill->data.data()), "set the fill value of " + object);
    }
    const Handle space = data_space(shape, object);
    Handle dataset(H5Dcreate2(id, variable.name.c_str(), type, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
                   H5Dclose, "create the variable " + object);
    if (!array.data.empty())
      check(H5Dwrite(dataset.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()), "write " + object);
    if (variable.fill) {
      const Handle one = data_space({1}, object);
      write_attribute(dataset.id(), "_FillValue", type, type, one, variable.fill->data.data(), object);
    }
    write_attributes(dataset.id(), object, variable.attributes);
    return dataset;
  }

  static Handle write_strings(hid_t id, const std::string& object, const Variable& variable,
                              const std::vector<hsize_t>& shape, const std::vector<std::string>& texts) {
    hsize_t count = 1;
    for (const hsize_t extent : shape) count *= extent;
    if (count != texts.size()) throw Error("the texts of variable " + object + " do not fit its dimensions");
    if (variable.fill) throw Error("the variable " + object + " holds texts and cannot have a fill value");
    const Handle creation = dataset_creation();
    const Handle type = string_type();
    const Handle space = data_space(shape, object);
    Handle dataset(
        H5Dcreate2(id, variable.name.c_str(), type.id(), space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Dclose,
        "create the variable " + object);
    if (!texts.empty())
      with_pointers(texts, [&](const void* pointers) {
        check(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers), "write " + object);
      });
    write_attributes(dataset.id(), object, variable.attributes);
    return dataset;
  }

  template <typename Use>
  static void with_pointers(const std::vector<std::string>& texts, Use&& use) {
    std::vector<std::string> clean;
    clean.reserve(texts.size());
    std::vector<const char*> pointers;
    pointers.reserve(texts.size());
    for (const std::string& text : texts) pointers.push_back(clean.emplace_back(clean_text(text)).c_str());
    use(static_cast<const void*>(pointers.data()));
  }

  void attach(Handle dataset, const std::string& path, const Variable& variable) const {
    const std::string object = path_in(path, variable.name);
    for (std::size_t i = 0; i < variable.dimensions.size(); ++i)
      check(
          H5DSattach_scale(dataset.id(), scale(variable.dimensions[i], object).dataset.id(), static_cast<unsigned>(i)),
          "give " + object + " the dimension " + variable.dimensions[i]);
    dataset.close("close the variable " + object);
  }

  static void write_attribute(hid_t id, const std::string& name, hid_t stored, hid_t given, const Handle& space,
                              const void* value, const std::string& object) {
    const std::string attempt = "write the attribute " + name + " of " + object;
    Handle attribute(H5Acreate2(id, name.c_str(), stored, space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose, attempt);
    check(H5Awrite(attribute.id(), given, value), attempt);
    attribute.close(attempt);
  }

  static void write_attributes(hid_t id, const std::string& object, const std::vector<Attribute>& attributes) {
    const Handle text = string_type();
    for (const auto& [name, value] : attributes) {
      check_name(name, "the attributes of " + object);
      if (reserved_attributes().contains(name))
        throw Error("the attribute name " + name + " of " + object + " belongs to netCDF");
      const auto write_numeric = [&, &attribute = name](hid_t type, const auto* values, const Handle& space) {
        write_attribute(id, attribute, type, type, space, values, object);
      };
      const auto write_texts = [&, &attribute = name](const std::vector<std::string>& texts, const Handle& space) {
        with_pointers(texts, [&](const void* pointers) {
          write_attribute(id, attribute, text.id(), text.id(), space, pointers, object);
        });
      };
      const auto vector_space = [&, &attribute = name](const auto& values) {
        if (values.empty()) throw Error("the attribute " + attribute + " of " + object + " is an empty list");
        return data_space({values.size()}, object);
      };
      struct Visitor {
        const decltype(write_numeric)& numeric;
        const decltype(write_texts)& texts;
        const decltype(vector_space)& space;
        const Handle& scalar;
        void operator()(const std::string& v) const { texts({v}, scalar); }
        void operator()(double v) const { numeric(H5T_IEEE_F64LE, &v, scalar); }
        void operator()(std::int64_t v) const { numeric(H5T_STD_I64LE, &v, scalar); }
        void operator()(const std::vector<std::string>& v) const { texts(v, space(v)); }
        void operator()(const std::vector<double>& v) const { numeric(H5T_IEEE_F64LE, v.data(), space(v)); }
        void operator()(const std::vector<std::int64_t>& v) const { numeric(H5T_STD_I64LE, v.data(), space(v)); }
      };
      std::visit(Visitor{write_numeric, write_texts, vector_space, data_space({}, object)}, value);
    }
  }

  Handle file_ = create_file();
  std::vector<Scale> scales_;  ///< the dimensions in scope, outermost group first
  int dimension_ids_ = 0;
};

// ---- reading

// Texts that libhdf5 allocated.
class LentStrings {
 public:
  explicit LentStrings(std::size_t count) : pointers_(count, nullptr) {}
  LentStrings(const LentStrings&) = delete;
  LentStrings& operator=(const LentStrings&) = delete;
  ~LentStrings() {
    for (char* pointer : pointers_) H5free_memory(pointer);
  }
  [[nodiscard]] char** data() { return pointers_.data(); }
  [[nodiscard]] std::vector<std::string> copy() const {
    std::vector<std::string> texts;
    texts.reserve(pointers_.size());
    for (const char* pointer : pointers_) texts.emplace_back(pointer == nullptr ? "" : pointer);
    return texts;
  }

 private:
  std::vector<char*> pointers_;
};

class LentReferences {
 public:
  explicit LentReferences(std::size_t count) : lists_(count, hvl_t{0, nullptr}) {}
  LentReferences(const LentReferences&) = delete;
  LentReferences& operator=(const LentReferences&) = delete;
  ~LentReferences() {
    for (const hvl_t& list : lists_) H5free_memory(list.p);
  }
  [[nodiscard]] std::vector<hvl_t>& lists() { return lists_; }

 private:
  std::vector<hvl_t> lists_;
};

class Reader {
 public:
  Reader(ByteSpan bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {}

  Group read() {
    Handle file = open_image();
    Handle root(H5Gopen2(file.id(), "/", H5P_DEFAULT), H5Gclose, "open the root group of " + origin_);
    Group group = read_group(root.id(), "/", 0);
    root.close("close the root group of " + origin_);
    file.close("close " + origin_);
    return group;
  }

 private:
  struct Extent {
    std::vector<hsize_t> shape;
    std::size_t count;  ///< of elements
  };

  // libhdf5 works on our bytes, uncopied, and never owns them; a file opened read-only is not written to.
  // (H5LTopen_file_image() can do the same, but leaks: 1.10.8.)
  Handle open_image() {
    const Handle access = property_list(H5P_FILE_ACCESS);
    const std::string attempt = "open " + origin_ + " as HDF5";
    H5FD_file_image_callbacks_t lend{
        .image_malloc = [](size_t, H5FD_file_image_op_t, void* image) { return image; },
        .image_memcpy = [](void* image, const void*, size_t, H5FD_file_image_op_t, void*) { return image; },
        .image_realloc = [](void*, size_t, H5FD_file_image_op_t, void*) -> void* { return nullptr; },
        .image_free = [](void*, H5FD_file_image_op_t, void*) -> herr_t { return 0; },
        .udata_copy = [](void* image) { return image; },
        .udata_free = [](void*) -> herr_t { return 0; },
        .udata = const_cast<std::uint8_t*>(bytes_.data())};
    check(H5Pset_fapl_core(access.id(), 0, false), attempt);
    check(H5Pset_file_image_callbacks(access.id(), &lend), attempt);
    if (bytes_.empty()) throw Error("cannot " + attempt + ": it is empty");
    check(H5Pset_file_image(access.id(), const_cast<std::uint8_t*>(bytes_.data()), bytes_.size()), attempt);
    return {H5Fopen(name_in_memory().c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose, attempt};
  }

  std::string named(const std::string& object) const { return object + " of " + origin_; }

  [[noreturn]] void refuse(const std::string& object, const std::string& why) const {
    throw Error("cannot read " + named(object) + ": " + why);
  }

  Group read_group(hid_t id, const std::string& path, int depth) {
    constexpr int deepest = 32;  // a damaged file may contain itself
    if (depth > deepest) refuse(path, "its groups lie too deep");
    Group group;
    group.attributes = read_attributes(id, path);
    const std::vector<std::string> links = link_names(id, path);

    struct Object {
      const std::string& name;
      Handle handle;
      bool is_group;
    };
    std::vector<Object> objects;
    for (const std::string& link : links) {
      const std::string object = path_in(path, link);
      Handle handle(H5Oopen(id, link.c_str(), H5P_DEFAULT), H5Oclose, "open " + named(object));
      const H5I_type_t type = H5Iget_type(handle.id());
      if (type != H5I_GROUP && type != H5I_DATASET) refuse(object, "it is neither a group nor a variable");
      if (type == H5I_DATASET && check(H5DSis_scale(handle.id()), "examine " + named(object)) > 0) {
        group.dimensions.push_back({link, read_dimension_size(handle.id(), object)});
        dimension_names_[reference_to(id, link, object)] = link;
      }
      objects.push_back({link, std::move(handle), type == H5I_GROUP});
    }
    for (const Object& object : objects) {
      if (object.is_group) continue;
      const bool is_dimension = group.find_dimension(object.name) != nullptr;
      if (is_dimension && is_bare(object.handle.id(), path_in(path, object.name))) continue;
      group.variables.push_back(read_variable(object.handle.id(), path, object.name, is_dimension));
    }
    for (const Object& object : objects) {
      if (!object.is_group) continue;
      group.children.push_back(read_group(object.handle.id(), path_in(path, object.name), depth + 1));
      group.children.back().name = object.name;
    }
    return group;
  }

  // In the order of creation. Links that lead elsewhere (soft, external) are not followed.
  std::vector<std::string> link_names(hid_t id, const std::string& path) const {
    const std::string attempt = "list " + named(path);
    H5G_info_t info;
    check(H5Gget_info(id, &info), attempt);
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      H5L_info_t link;
      check(H5Lget_info_by_idx(id, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, &link, H5P_DEFAULT), attempt);
      if (link.type != H5L_TYPE_HARD) refuse(path, "it holds a link that is not an object of its own");
      const ssize_t length =
          check(H5Lget_name_by_idx(id, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT), attempt);
      std::string name(static_cast<std::size_t>(length), '\0');
      check(H5Lget_name_by_idx(id, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name.data(), name.size() + 1, H5P_DEFAULT),
            attempt);
      names.push_back(std::move(name));
    }
    return names;
  }

  hobj_ref_t reference_to(hid_t id, const std::string& name, const std::string& object) const {
    hobj_ref_t reference;
    check(H5Rcreate(&reference, id, name.c_str(), H5R_OBJECT, -1), "refer to " + named(object));
    return reference;
  }

  bool is_bare(hid_t id, const std::string& object) const {
    std::array<char, 128> name{};
    check(H5DSget_scale_name(id, name.data(), name.size() - 1), "read the dimension name of " + named(object));
    return std::string_view(name.data()).starts_with(bare_dimension);
  }

  Extent extent_of(const Handle& space, const std::string& object) const {
    const H5S_class_t kind = H5Sget_simple_extent_type(space.id());
    if (kind == H5S_SCALAR) return {{}, 1};
    if (kind != H5S_SIMPLE) refuse(object, "it has no shape");
    const int rank = check(H5Sget_simple_extent_ndims(space.id()), "read the shape of " + named(object));
    std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
    check(H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr), "read the shape of " + named(object));
    std::size_t count = 1;
    for (const hsize_t extent : shape)
      if (__builtin_mul_overflow(count, extent, &count)) refuse(object, "its shape is impossible");
    return {std::move(shape), count};
  }

  Extent extent_of_dataset(hid_t id, const std::string& object) const {
    return extent_of(Handle(H5Dget_space(id), H5Sclose, "read the shape of " + named(object)), object);
  }

  std::int64_t read_dimension_size(hid_t id, const std::string& object) const {
    const Extent extent = extent_of_dataset(id, object);
    if (extent.shape.size() != 1) refuse(object, "a dimension has one extent");
    return static_cast<std::int64_t>(extent.count);
  }

  Variable read_variable(hid_t id, const std::string& path, const std::string& name, bool is_dimension) const {
    const std::string object = path_in(path, name);
    Variable variable;
    variable.name = name;
    const Extent extent = extent_of_dataset(id, object);
    variable.dimensions = is_dimension ? std::vector{name} : read_dimension_names(id, object, extent.shape.size());
    const Handle type(H5Dget_type(id), H5Tclose, "read the type of " + named(object));
    refuse_impossible_size(id, type, extent, object);
    if (H5Tget_class(type.id()) == H5T_STRING) {
      if (check(H5Tis_variable_str(type.id()), "read the type of " + named(object)) == 0)
        refuse(object, "its texts are not of variable length");
      LentStrings texts(extent.count);
      const Handle memory = string_type();
      if (extent.count > 0)
        check(H5Dread(id, memory.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), "read " + named(object));
      variable.data = texts.copy();
    } else {
      Array array{element_type(type, object), {extent.shape.begin(), extent.shape.end()}, {}};
      array.data.resize(extent.count * size_of(array.dtype));
      if (!array.data.empty())
        check(H5Dread(id, file_type(array.dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()),
              "read " + named(object));
      variable.fill = read_fill(id, array.dtype, object);
      variable.data = std::move(array);
    }
    variable.attributes = read_attributes(id, object);
    return variable;
  }

  // No memory for more data than the file's bytes can stand for: deflate shrinks at most 1032 times.
  void refuse_impossible_size(hid_t id, const Handle& type, const Extent& extent, const std::string& object) const {
    constexpr std::uint64_t best_compression = 1032;
    const std::uint64_t stored = H5Dget_storage_size(id);
    std::size_t wanted;
    if (__builtin_mul_overflow(extent.count, H5Tget_size(type.id()), &wanted) || stored > bytes_.size() ||
        wanted / best_compression > stored)
      refuse(object, "its size is impossible");
  }

  DType element_type(const Handle& type, const std::string& object) const {
    for (const DType known : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8})
      if (H5Tequal(type.id(), file_type(known)) > 0) return known;
    refuse(object, "its element type is none of a results file");
  }

  std::vector<std::string> read_dimension_names(hid_t id, const std::string& object, std::size_t rank) const {
    if (rank == 0) return {};
    const std::string attempt = "read the dimensions of " + named(object);
    const Handle attribute(H5Aopen(id, "DIMENSION_LIST", H5P_DEFAULT), H5Aclose, attempt);
    const Handle space(H5Aget_space(attribute.id()), H5Sclose, attempt);
    if (extent_of(space, object).count != rank) refuse(object, "its dimensions do not fit its shape");
    const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, attempt);
    LentReferences references(rank);
    check(H5Aread(attribute.id(), type.id(), references.lists().data()), attempt);
    std::vector<std::string> names;
    for (const hvl_t& list : references.lists()) {
      if (list.len != 1) refuse(object, "a dimension of it has no name, or several");
      const auto found = dimension_names_.find(*static_cast<const hobj_ref_t*>(list.p));
      if (found == dimension_names_.end()) refuse(object, "a dimension of it is not in its group or above");
      names.push_back(found->second);
    }
    return names;
  }

  std::optional<Array> read_fill(hid_t id, DType dtype, const std::string& object) const {
    const std::string attempt = "read the fill value of " + named(object);
    if (check(H5Aexists(id, "_FillValue"), attempt) == 0) return std::nullopt;
    const Handle attribute(H5Aopen(id, "_FillValue", H5P_DEFAULT), H5Aclose, attempt);
    const Handle space(H5Aget_space(attribute.id()), H5Sclose, attempt);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose, attempt);
    if (extent_of(space, object).count != 1 || H5Tequal(type.id(), file_type(dtype)) <= 0)
      refuse(object, "its fill value is not of its type");
    Array fill{dtype, {}, Bytes(size_of(dtype))};
    check(H5Aread(attribute.id(), file_type(dtype), fill.data.data()), attempt);
    return fill;
  }

  std::vector<Attribute> read_attributes(hid_t id, const std::string& object) const {
    const std::string attempt = "list the attributes of " + named(object);
    std::vector<Attribute> attributes;
    for (hsize_t i = 0;; ++i) {
      if (i == attribute_count(id, attempt)) return attributes;
      const Handle attribute(H5Aopen_by_idx(id, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose, attempt);
      const ssize_t length = check(H5Aget_name(attribute.id(), 0, nullptr), attempt);
      std::string name(static_cast<std::size_t>(length), '\0');
      check(H5Aget_name(attribute.id(), name.size() + 1, name.data()), attempt);
      if (!reserved_attributes().contains(name))
        attributes.push_back({name, read_attribute(attribute.id(), "attribute " + name + " of " + object)});
    }
  }

  static hsize_t attribute_count(hid_t id, const std::string& attempt) {
    H5O_info_t info;
#if H5_VERSION_GE(1, 12, 0)
    check(H5Oget_info3(id, &info, H5O_INFO_NUM_ATTRS), attempt);
#else
    check(H5Oget_info2(id, &info, H5O_INFO_NUM_ATTRS), attempt);
#endif
    return info.num_attrs;
  }

  Attribute::Value read_attribute(hid_t id, const std::string& object) const {
    const std::string attempt = "read the " + named(object);
    const Handle type(H5Aget_type(id), H5Tclose, attempt);
    const Handle space(H5Aget_space(id), H5Sclose, attempt);
    const auto [shape, count] = extent_of(space, object);
    if (shape.size() > 1) refuse(object, "it is a table");
    if (count > bytes_.size()) refuse(object, "its size is impossible");
    const bool scalar = shape.empty();
    switch (H5Tget_class(type.id())) {
      case H5T_STRING: {
        if (check(H5Tis_variable_str(type.id()), attempt) == 0) refuse(object, "its text is not of variable length");
        LentStrings texts(count);
        const Handle memory = string_type();
        check(H5Aread(id, memory.id(), texts.data()), attempt);
        if (scalar) return texts.copy().front();
        return texts.copy();
      }
      case H5T_FLOAT: return read_numeric<double>(id, H5T_NATIVE_DOUBLE, count, scalar, attempt);
      case H5T_INTEGER: return read_numeric<std::int64_t>(id, H5T_NATIVE_INT64, count, scalar, attempt);
      default: refuse(object, "its type is none of a results file");
    }
  }

  template <typename T>
  static Attribute::Value read_numeric(hid_t id, hid_t memory, std::size_t count, bool scalar,
                                       const std::string& attempt) {
    std::vector<T> values(count);
    check(H5Aread(id, memory, values.data()), attempt);
    if (scalar) return values.front();
    return values;
  }

  ByteSpan bytes_;
  const std::string& origin_;
  std::map<hobj_ref_t, std::string> dimension_names_;  ///< of the groups read so far
};

template <typename Element>
const Element* find_named(const std::vector<Element>& elements, std::string_view name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const Element& e) { return e.name == name; });
  return found == elements.end() ? nullptr : &*found;
}

void silence_library() { check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "silence libhdf5"); }

}  // namespace

const Array& Variable::numbers() const {
  if (const auto* const array = std::get_if<Array>(&data)) return *array;
  throw Error("the variable " + name + " holds texts, not numbers");
}

const std::vector<std::string>& Variable::strings() const {
  if (const auto* const texts = std::get_if<std::vector<std::string>>(&data)) return *texts;
  throw Error("the variable " + name + " holds numbers, not texts");
}

const Attribute* Group::find_attribute(std::string_view attribute) const { return find_named(attributes, attribute); }
const Dimension* Group::find_dimension(std::string_view dimension) const { return find_named(dimensions, dimension); }
const Variable* Group::find_variable(std::string_view variable) const { return find_named(variables, variable); }
const Group* Group::child(std::string_view group) const { return find_named(children, group); }

Bytes encode_results(const Group& root) {
  const std::lock_guard lock(library_mutex());
  silence_library();
  return Writer().write(root);
}

Group decode_results(ByteSpan bytes, const std::string& origin) {
  const std::lock_guard lock(library_mutex());
  silence_library();
  try {
    return Reader(bytes, origin).read();
  } catch (const std::bad_alloc&) {
    throw Error("cannot read " + origin + ": not enough memory for what it claims to hold");
  }
}

Identity write_results_file(const std::string& path, const Group& root) {
  const Bytes image = encode_results(root);
  remove_stale_temporaries(directory_of(path), std::filesystem::path(path).filename().string());
  write_file_atomically(path, {image});
  return Identity::of(image);
}

Group read_results_file(const std::string& path, const std::optional<Identity>& expected) {
  const Bytes bytes = read_file(path);
  if (expected) {
    const Identity actual = Identity::of(bytes);
    if (actual != *expected)
      throw Error(path + " is damaged: its SHA-256 is " + actual.hex() + ", not " + expected->hex() +
                  " as the journal says; `telltale run` rebuilds it from the journal");
  }
  return decode_results(bytes, path);
}

}  // namespace telltale::store
