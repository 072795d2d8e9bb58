// The catalogue: every data set Telltale knows. A new one is one entry in catalog.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace telltale::data {

/// A file of a public data set, decompressed.
struct PublishedFile {
  std::string name;    ///< without a compression suffix
  std::string role;    ///< for messages: "training images"
  std::string digest;  ///< published hash in hex: MD5 or SHA-1, told apart by its length
};

struct SplitRequest {
  const DatasetRequest& whole;
  bool train;                         ///< else the test split
  std::optional<std::int64_t> limit;  ///< only the first so many images
};

/// Where a reader puts one split.
struct SplitSink {
  Bytes& images;  ///< appended to
  Bytes labels;
  std::vector<std::string> sources;  ///< what was read, one line each
  bool official = true;              ///< all of it has the published hashes
};

struct Entry;
using SplitReader = void (*)(const Entry& entry, const SplitRequest& request, SplitSink& sink);

struct Entry {
  Description description;
  SplitReader read;
  std::vector<PublishedFile> train_files;  ///< in reading order; none for generated sets
  std::vector<PublishedFile> test_files;
  std::vector<std::string> folders;  ///< where other tools put them, below a data directory

  [[nodiscard]] const std::vector<PublishedFile>& files(bool train) const { return train ? train_files : test_files; }
};

const std::vector<Entry>& catalog();

}  // namespace telltale::data
