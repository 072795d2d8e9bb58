// Finding the files of a data set and reading them, whatever they are packed in.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "data/catalog.h"

namespace telltale::data {

/// The files of a split, in the entry's order, all from one folder: the first in which none is missing.
/// Throws InputError naming the missing file, the places looked in, and what to do.
std::vector<std::filesystem::path> find_files(const Entry& entry, const SplitRequest& request);

/// The content of a plain, gzip, xz or zstd file, decompressed. Throws InputError if it cannot be read to its end, or
/// if anything follows the compressed data.
Bytes read_decompressed(const std::filesystem::path& path);

/// Compares the content read from `path` with the published file `expected`, and records it in `sink`. Throws
/// InputError if it is another data set's file, or if its hash is not the published one although `request` demands
/// that.
void check_published(const Entry& entry, const PublishedFile& expected, const std::filesystem::path& path,
                     ByteSpan content, const SplitRequest& request, SplitSink& sink);

/// Throws InputError: "PATH: PROBLEM".
[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& problem);

}  // namespace telltale::data
