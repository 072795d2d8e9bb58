// The names that the results file's writer and reader must agree on.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace telltale::store {

/// Attributes that belong to HDF5 and netCDF.
inline const std::set<std::string, std::less<>>& reserved_attributes() {
  static const std::set<std::string, std::less<>> names{"CLASS",          "NAME",          "DIMENSION_LIST",
                                                        "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates",
                                                        "_NCProperties",  "_nc3_strict",   "_FillValue"};
  return names;
}

/// What netCDF calls a dimension without labels.
inline constexpr std::string_view bare_dimension = "This is a netCDF dimension but not a netCDF variable.";

inline std::string path_in(const std::string& group, const std::string& name) {
  return group == "/" ? "/" + name : group + "/" + name;
}

}  // namespace telltale::store
