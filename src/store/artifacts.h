// Immutable parts: the products of tasks that other tasks need, one file each, named by identity.
//
// A part is written whole before any journal record names it; a damaged part counts as missing and is recomputed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/identity.h"

namespace telltale::store {

enum class PartState { missing, damaged, good };

/// The parts of one study in one directory. Safe to use from several threads and processes at once.
///
/// A file "<kind>-<identity>" is 16 bytes "TELLTALE-PART 1\n", SHA-256 (32 bytes) over kind, 0, identity and content,
/// then the content: a file cut, changed, or given another part's name is found out. Beside it may lie
/// "<kind>-<identity>.json", which says in words what the part is; nothing depends on it.
class ArtifactStore {
 public:
  /// The directory is created by the first put(). Temporary files of killed runs are removed where that is safe.
  explicit ArtifactStore(std::string directory);

  /// Durable when it returns; replaces what was there. `kind` is a short word of [a-z0-9_], such as "model".
  /// Throws Error, leaving the old part untouched, when the disk refuses.
  void put(std::string_view kind, const Identity& identity, ByteSpan content) const;

  /// Writes what the part is for people to read, whole and durably; replaces what was there.
  void describe(std::string_view kind, const Identity& identity, const std::string& text) const;
  [[nodiscard]] std::string description_path(std::string_view kind, const Identity& identity) const;

  /// The content, or nullptr if the part is missing or damaged.
  [[nodiscard]] std::shared_ptr<const Bytes> get(std::string_view kind, const Identity& identity) const;

  /// Reads and hashes the whole part.
  [[nodiscard]] PartState check(std::string_view kind, const Identity& identity) const;

  /// Removes the part, if it is there, and its description.
  void remove(std::string_view kind, const Identity& identity) const;

  [[nodiscard]] std::string path_of(std::string_view kind, const Identity& identity) const;

 private:
  void create_directory() const;

  std::string directory_;
};

}  // namespace telltale::store
