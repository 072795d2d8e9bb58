// Data sets of labelled 8-bit images: found on disk (MNIST, Fashion-MNIST, CIFAR) or drawn by the program (glyphs,
// tiles).
//
// Reading and using are two steps, so that the ranks of a node can share one copy: load_packed() makes one contiguous
// block, which may be put into shared memory, and Dataset::open() makes a view of such a block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/identity.h"

namespace telltale::data {

struct ImageShape {
  int channels = 1;
  int height = 0;
  int width = 0;

  /// Bytes of one image.
  [[nodiscard]] std::size_t pixels() const { return std::size_t(channels) * std::size_t(height) * std::size_t(width); }
  /// For messages: "3 x 32 x 32", channels first.
  [[nodiscard]] std::string to_text() const;
  bool operator==(const ImageShape&) const = default;
};

/// What is known of a data set before anything is read.
struct Description {
  std::string name;
  ImageShape shape;
  int classes = 0;
  bool generated = false;        ///< drawn by the program: figures from it are never a reproduction
  std::int64_t train_count = 0;  ///< official number of images; for a generated set the default number
  std::int64_t test_count = 0;

  bool operator==(const Description&) const = default;
};

/// The names that describe() and load_packed() know, in the order of the catalogue.
std::vector<std::string> dataset_names();

/// Reads nothing from disk. Throws InputError, with the known names, if there is no such data set.
const Description& describe(std::string_view name);

/// Where files are looked for: the directories of "A:B", or of the variable TELLTALE_DATA where `text` is empty.
std::vector<std::filesystem::path> directories_of(std::string text);

/// Which splits are read; the other one is left empty and its files need not exist.
enum class Splits : std::uint8_t { both, train, test };

struct DatasetRequest {
  std::string name;
  Splits splits = Splits::both;
  std::optional<std::int64_t> train_limit;  ///< only the first so many images; at least 1 and no more than there are
  std::optional<std::int64_t> test_limit;

  // Data sets that are read from files.
  std::vector<std::filesystem::path> directories;  ///< searched in this order
  bool official = false;                           ///< demand the published hashes

  // Data sets that are generated. An image depends on (seed, split, its index) alone: more images extend fewer.
  std::uint64_t seed = 1;
  std::optional<std::int64_t> generated_train;  ///< instead of the default number
  std::optional<std::int64_t> generated_test;
};

/// Where the images came from.
enum class Origin : std::uint8_t {
  generated,   ///< drawn by the program
  official,    ///< every file read has the published hash
  unofficial,  ///< at least one has not; `source` names the hashes found
};

struct Split {
  std::int64_t count = 0;
  ByteSpan images;  ///< count x channels x height x width
  ByteSpan labels;  ///< count, each below the number of classes
};

/// Puts images that are already in memory into the packed form. Throws Error unless the sizes fit and every label is
/// in range. `description`'s counts are not looked at.
Bytes pack(const Description& description, const Split& train, const Split& test, Origin origin,
           std::string_view source);

/// Finds, reads and checks the files of a data set, or draws it, and returns it in packed form.
/// Throws InputError if a file is missing, damaged or not what it should be: the message names the file, what is wrong
/// with it, and what to do. A whole number of images other than the official count is accepted unless
/// `request.official`.
Bytes load_packed(const DatasetRequest& request);

/// A view of a packed data set. Cheap to copy; the bytes live as long as any copy.
class Dataset {
 public:
  /// `packed` is what load_packed() or pack() returned, and stays valid while `owner` lives. Throws Error if the block
  /// was cut or its description damaged. (The pixels are not hashed again: that would cost every rank of a node a
  /// pass over all of them.)
  static Dataset open(ByteSpan packed, std::shared_ptr<const void> owner);
  /// The same of a block that the data set keeps itself.
  static Dataset open(Bytes packed);

  [[nodiscard]] const std::string& name() const { return description_.name; }
  [[nodiscard]] const ImageShape& shape() const { return description_.shape; }
  [[nodiscard]] int classes() const { return description_.classes; }
  [[nodiscard]] const Split& train() const { return train_; }
  [[nodiscard]] const Split& test() const { return test_; }
  [[nodiscard]] Origin origin() const { return origin_; }
  /// "generated, seed 1", or the files read with their hashes, for people to read.
  [[nodiscard]] const std::string& source() const { return source_; }
  /// SHA-256 of shape, classes, counts, and the image and label bytes: the same for every packaging of the same data.
  [[nodiscard]] const Identity& content_hash() const { return content_hash_; }

 private:
  Dataset() = default;

  Description description_;
  Split train_, test_;
  Origin origin_ = Origin::unofficial;
  std::string source_;
  Identity content_hash_;
  std::shared_ptr<const void> owner_;
};

/// load_packed() and open() in one, for a process that shares nothing.
Dataset load(const DatasetRequest& request);

/// Data sets that a study uses beside its own, by name.
using OtherData = std::map<std::string, Dataset>;

}  // namespace telltale::data
