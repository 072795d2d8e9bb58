// How a results file comes to be: groups, dimensions and variables as netCDF-4 lays them out in HDF5.
#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/json.h"
#include "store/hdf5_handle.h"
#include "store/results_file.h"
#include "store/results_names.h"

namespace telltale::store {
namespace {

using namespace hdf5;

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

void check_name(const std::string& name, const std::string& where) {
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
  if (name.empty() || name == "." || name.find('/') != std::string::npos || !printable || name.front() == ' ' ||
      name.back() == ' ' || clean_text(name) != name)
    throw Error("'" + name + "' in " + where + " cannot be a name in a results file");
}

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

class TreeWriter {
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

}  // namespace

Bytes encode_results(const Group& root) {
  const auto lock = use_library();
  return TreeWriter().write(root);
}

}  // namespace telltale::store
