// The results file: what a study found, as named, labelled arrays in HDF5 that netCDF-4 readers open without help.
// docs/results-file.md specifies it.
//
// A file is built in memory and published whole; it is read only after its hash was compared, where one is known. No
// result ever depends on an HDF5 file that is open.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/array.h"
#include "core/identity.h"

namespace telltale::store {

/// Numeric arrays of at least this many bytes are chunked, compressed and checksummed; smaller ones lie contiguous.
inline constexpr std::size_t compression_limit_bytes = 4096;
/// Chunks hold at most this many bytes (or one element).
inline constexpr std::size_t chunk_limit_bytes = 1 << 20;

struct Attribute {
  using Value = std::variant<std::string, double, std::int64_t, std::vector<std::string>, std::vector<double>,
                             std::vector<std::int64_t>>;
  std::string name;
  Value value;  ///< a vector is not empty
  bool operator==(const Attribute&) const = default;
};

/// A dimension is known in its group and in all groups below. The variable of the same name in the same group, if there
/// is one, gives its labels (its coordinate variable).
struct Dimension {
  std::string name;
  std::int64_t size = 0;
  bool operator==(const Dimension&) const = default;
};

struct Variable {
  std::string name;
  std::vector<std::string> dimensions;                 ///< outermost first; no dimension twice
  std::variant<Array, std::vector<std::string>> data;  ///< row-major; texts are UTF-8
  std::vector<Attribute> attributes;
  std::optional<Array> fill;  ///< a scalar of the data's type that stands for "no value"

  /// Throw Error if the variable holds the other kind of data.
  [[nodiscard]] const Array& numbers() const;
  [[nodiscard]] const std::vector<std::string>& strings() const;

  bool operator==(const Variable&) const = default;
};

struct Group {
  std::string name;  ///< of the root: empty
  std::vector<Attribute> attributes;
  std::vector<Dimension> dimensions;
  std::vector<Variable> variables;  ///< in the file, coordinate variables come first, in the order of the dimensions
  std::vector<Group> children;

  /// nullptr if there is none.
  [[nodiscard]] const Attribute* find_attribute(std::string_view attribute) const;
  [[nodiscard]] const Dimension* find_dimension(std::string_view dimension) const;
  [[nodiscard]] const Variable* find_variable(std::string_view variable) const;
  [[nodiscard]] const Group* child(std::string_view group) const;

  bool operator==(const Group&) const = default;
};

/// The bytes of the file that holds `root`: the same content gives the same bytes. Throws Error if the description
/// breaks a rule of the format, naming the object. Bytes of a text that are not UTF-8, or zero, become U+FFFD.
Bytes encode_results(const Group& root);

/// Reads what encode_results() wrote. `origin` names the bytes in messages. Throws Error on anything else; against
/// damage, compare the hash first: libhdf5 does not survive every wrong byte.
Group decode_results(ByteSpan bytes, const std::string& origin);

/// The same, only if the bytes have the `expected` SHA-256; otherwise Error says that `origin` is damaged and how it is
/// rebuilt, and libhdf5 never sees them.
Group decode_results(ByteSpan bytes, const std::string& origin, const Identity& expected);

/// Publishes `root` as `path`, atomically and durably, and returns the SHA-256 of the file. `before` learns it before
/// the file has its name; if it throws, nothing is published. What killed writers of this file left behind is removed.
/// Throws Error, with the old file untouched, if the disk refuses.
Identity write_results_file(const std::string& path, const Group& root,
                            const std::function<void(const Identity& hash)>& before = {});

/// Reads a results file; with an `expected` SHA-256 as decode_results() does.
Group read_results_file(const std::string& path, const std::optional<Identity>& expected = std::nullopt);

}  // namespace telltale::store
