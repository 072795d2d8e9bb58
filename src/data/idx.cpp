#include <algorithm>
#include <string>

#include "data/files.h"
#include "data/formats.h"

namespace telltale::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t image_magic = 2051;  // unsigned bytes, three dimensions
constexpr std::uint32_t label_magic = 2049;  // unsigned bytes, one dimension

// Reads a header of big-endian words, then demands that exactly the announced bytes follow.
struct IdxFile {
  const fs::path& path;
  ByteSpan rest;

  std::uint32_t word() {
    if (rest.size() < 4) refuse(path, "is truncated: it ends within its header");
    const std::uint32_t value = std::uint32_t{rest[0]} << 24 | std::uint32_t{rest[1]} << 16 |
                                std::uint32_t{rest[2]} << 8 | std::uint32_t{rest[3]};
    rest = rest.subspan(4);
    return value;
  }

  void expect_magic(std::uint32_t magic, const std::string& kind) {
    if (const std::uint32_t found = word(); found != magic)
      refuse(path, "is no IDX file of " + kind + ": its magic number is " + std::to_string(found) + ", not " +
                       std::to_string(magic));
  }

  void expect_rest(std::uint64_t size, const std::string& kind) {
    if (rest.size() < size)
      refuse(path, "is truncated: its header announces " + std::to_string(size) + " bytes of " + kind + ", but " +
                       std::to_string(rest.size()) + " are there");
    if (rest.size() > size) refuse(path, std::to_string(rest.size() - size) + " bytes follow the last of the " + kind);
  }
};

}  // namespace

void read_idx(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  const auto& [name, shape, classes, generated, train_count, test_count] = entry.description;
  const auto paths = find_files(entry, request);
  const auto& files = entry.files(request.train);

  const Bytes image_content = read_decompressed(paths[0]);
  check_published(entry, files[0], paths[0], image_content, request, sink);
  IdxFile images{paths[0], image_content};
  images.expect_magic(image_magic, "images");
  const std::uint64_t count = images.word();
  const std::uint64_t height = images.word(), width = images.word();
  if (height != std::uint64_t(shape.height) || width != std::uint64_t(shape.width))
    refuse(paths[0], "its images are " + std::to_string(height) + "x" + std::to_string(width) + ", those of " + name +
                         " " + std::to_string(shape.height) + "x" + std::to_string(shape.width));
  if (count == 0) refuse(paths[0], "holds no image");
  images.expect_rest(count * shape.pixels(), "pixels");

  const Bytes label_content = read_decompressed(paths[1]);
  check_published(entry, files[1], paths[1], label_content, request, sink);
  IdxFile labels{paths[1], label_content};
  labels.expect_magic(label_magic, "labels");
  const std::uint64_t label_count = labels.word();
  labels.expect_rest(label_count, "labels");
  if (label_count != count)
    refuse(paths[1], "holds " + std::to_string(label_count) + " labels for the " + std::to_string(count) +
                         " images in " + paths[0].string());
  for (std::size_t i = 0; i < count; ++i)
    if (labels.rest[i] >= classes)
      refuse(paths[1], "label " + std::to_string(labels.rest[i]) + " of image " + std::to_string(i) +
                           " is out of range: " + name + " has the classes 0 to " + std::to_string(classes - 1));

  const std::uint64_t kept = std::min(count, static_cast<std::uint64_t>(request.limit.value_or(INT64_MAX)));
  const ByteSpan pixels = images.rest.first(kept * shape.pixels());
  sink.images.insert(sink.images.end(), pixels.begin(), pixels.end());
  sink.labels.assign(labels.rest.begin(), labels.rest.begin() + static_cast<std::ptrdiff_t>(kept));
}

}  // namespace telltale::data
