// How a results file is read back. Its bytes may be anything: what they claim is checked before memory is taken for it.
#include <hdf5.h>
#include <hdf5_hl.h>

#include <array>
#include <map>
#include <new>

#include "core/error.h"
#include "store/hdf5_handle.h"
#include "store/results_file.h"
#include "store/results_names.h"

namespace telltale::store {
namespace {

using namespace hdf5;

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

}  // namespace

Group decode_results(ByteSpan bytes, const std::string& origin) {
  const auto lock = use_library();
  try {
    return Reader(bytes, origin).read();
  } catch (const std::bad_alloc&) {
    throw Error("cannot read " + origin + ": not enough memory for what it claims to hold");
  }
}

}  // namespace telltale::store
