// Files that appear whole or not at all: written under a temporary name, fsynced, renamed.
#pragma once

#include <initializer_list>
#include <string>

#include "core/bytes.h"

namespace telltale::store {

/// Replaces `path` by the concatenation of `parts`. When it returns, the new content is durable; when it throws Error
/// (disk full, read-only, gone: the message names the path), the old content is untouched and no temporary is left.
void write_file_atomically(const std::string& path, std::initializer_list<ByteSpan> parts);

/// Removes the temporary files that killed writers left in `directory`: those of a process of this host that is
/// dead, and those of any host that are older than a day. A `name` limits it to the temporaries of that one file.
/// Never throws: what cannot be removed stays.
void remove_stale_temporaries(const std::string& directory, const std::string& name = "") noexcept;

}  // namespace telltale::store
