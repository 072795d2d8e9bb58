#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "data/catalog.h"

namespace telltale::data {
namespace {

// The packed form: a prefix of 64 bytes, the training images and labels, the test images and labels, the metadata.
//   prefix    magic (8 bytes), offset and size of the metadata (8 each), SHA-256 of the metadata (32), 8 zeros
//   metadata  name, channels, height, width, classes, train count, test count, origin, source, content hash
// The images come early and the metadata last because the counts are known only when all has been read.
constexpr std::string_view packed_magic = "TTDATA1\n";
constexpr std::size_t prefix_size = 64;

const Entry& entry_of(std::string_view name) {
  for (const Entry& entry : catalog())
    if (entry.description.name == name) return entry;
  std::string known;
  for (const Entry& entry : catalog()) known += (known.empty() ? "" : ", ") + entry.description.name;
  throw InputError("there is no data set '" + std::string(name) + "'; known are " + known);
}

class Packer {
 public:
  /// `image_count` is a guess that spares copies.
  Packer(Description description, std::int64_t image_count) : description_(std::move(description)) {
    block_.reserve(prefix_size + static_cast<std::size_t>(image_count) * (description_.shape.pixels() + 1) + 4096);
    block_.resize(prefix_size);
  }

  /// Images are appended here; then the labels of the same split go to end_split().
  Bytes& images() { return block_; }

  /// Splits end in the order train, test. Returns the split's count.
  std::int64_t end_split(ByteSpan labels) {
    if (block_.size() - split_begin_ != labels.size() * description_.shape.pixels())
      throw Error(description_.name + ": " + std::to_string(labels.size()) + " labels do not fit " +
                  std::to_string(block_.size() - split_begin_) + " bytes of images");
    block_.insert(block_.end(), labels.begin(), labels.end());
    split_begin_ = block_.size();
    counts_.push_back(static_cast<std::int64_t>(labels.size()));
    return counts_.back();
  }

  Bytes finish(Origin origin, std::string_view source) {
    const auto& shape = description_.shape;
    ByteWriter metadata;
    metadata.reserve(source.size() + 256);
    metadata.put<std::int32_t>(shape.channels).put<std::int32_t>(shape.height).put<std::int32_t>(shape.width);
    metadata.put<std::int32_t>(description_.classes).put(counts_[0]).put(counts_[1]);
    Hasher hasher;
    hasher.update(metadata.bytes()).update(ByteSpan(block_).subspan(prefix_size));
    metadata.raw(hasher.finish().bytes());
    metadata.put(origin).text(description_.name).text(source);

    ByteWriter prefix;
    prefix.reserve(prefix_size);
    prefix.raw(as_bytes(packed_magic)).put<std::uint64_t>(block_.size()).put<std::uint64_t>(metadata.bytes().size());
    prefix.raw(Identity::of(metadata.bytes()).bytes());
    std::copy(prefix.bytes().begin(), prefix.bytes().end(), block_.begin());
    block_.insert(block_.end(), metadata.bytes().begin(), metadata.bytes().end());
    return std::move(block_);
  }

 private:
  Description description_;
  Bytes block_;
  std::size_t split_begin_ = prefix_size;
  std::vector<std::int64_t> counts_;
};

void check_labels(const Description& description, const Split& split, const char* which) {
  const auto bad =
      std::find_if(split.labels.begin(), split.labels.end(), [&](int label) { return label >= description.classes; });
  if (bad != split.labels.end())
    throw Error(description.name + ": " + which + " label " + std::to_string(bad - split.labels.begin()) +
                " is out of range");
}

void check_limit(const std::optional<std::int64_t>& limit, const std::string& name, const char* which) {
  if (limit && *limit < 1)
    throw InputError(name + ": a number of " + which + " images has to be at least 1, not " + std::to_string(*limit));
}

}  // namespace

std::string ImageShape::to_text() const {
  return std::to_string(channels) + " x " + std::to_string(height) + " x " + std::to_string(width);
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const Entry& entry : catalog()) names.push_back(entry.description.name);
  return names;
}

std::vector<std::filesystem::path> directories_of(std::string text) {
  if (text.empty())
    if (const char* variable = std::getenv("TELLTALE_DATA")) text = variable;
  std::vector<std::filesystem::path> directories;
  for (std::size_t from = 0; from < text.size();) {
    const auto colon = std::min(text.find(':', from), text.size());
    if (colon > from) directories.emplace_back(text.substr(from, colon - from));
    from = colon + 1;
  }
  return directories;
}

const Description& describe(std::string_view name) { return entry_of(name).description; }

Bytes pack(const Description& description, const Split& train, const Split& test, Origin origin,
           std::string_view source) {
  Packer packer(description, train.count + test.count);
  for (const Split* split : {&train, &test}) {
    const char* which = split == &train ? "training" : "test";
    if (split->count != static_cast<std::int64_t>(split->labels.size()))
      throw Error(description.name + ": the " + which + " split's count is not its number of labels");
    check_labels(description, *split, which);
    packer.images().insert(packer.images().end(), split->images.begin(), split->images.end());
    packer.end_split(split->labels);
  }
  return packer.finish(origin, source);
}

Bytes load_packed(const DatasetRequest& request) {
  const Entry& entry = entry_of(request.name);
  const Description& description = entry.description;
  if (description.generated && request.official)
    throw InputError(description.name + " is drawn by the program: there are no official files to demand");
  if (!description.generated && (request.generated_train || request.generated_test))
    throw InputError(description.name + " is read from files: how many images to generate has no meaning for it");
  check_limit(request.train_limit, description.name, "training");
  check_limit(request.test_limit, description.name, "test");
  check_limit(request.generated_train, description.name, "training");
  check_limit(request.generated_test, description.name, "test");

  const std::int64_t train_guess =
      request.train_limit.value_or(request.generated_train.value_or(description.train_count));
  const std::int64_t test_guess = request.test_limit.value_or(request.generated_test.value_or(description.test_count));
  Packer packer(description, (request.splits == Splits::test ? 0 : train_guess) +
                                 (request.splits == Splits::train ? 0 : test_guess));
  std::string source;
  bool official = true;
  for (const bool train : {true, false}) {
    SplitSink sink{packer.images(), {}, {}, true};
    if (request.splits == Splits::both || (request.splits == Splits::train) == train) {
      const SplitRequest split{request, train, train ? request.train_limit : request.test_limit};
      entry.read(entry, split, sink);
      if (split.limit && static_cast<std::int64_t>(sink.labels.size()) < *split.limit)
        throw InputError(description.name + ": the first " + std::to_string(*split.limit) +
                         (train ? " training" : " test") + " images were asked for, but there are only " +
                         std::to_string(sink.labels.size()));
    }
    packer.end_split(sink.labels);
    for (const std::string& line : sink.sources) source += (source.empty() ? "" : "\n") + line;
    official = official && sink.official;
  }
  const Origin origin = description.generated ? Origin::generated : official ? Origin::official : Origin::unofficial;
  if (description.generated) source = "generated, seed " + std::to_string(request.seed);
  return packer.finish(origin, source);
}

Dataset Dataset::open(ByteSpan packed, std::shared_ptr<const void> owner) {
  if (packed.size() < prefix_size || as_text(packed.first(packed_magic.size())) != packed_magic)
    throw Error("these bytes are no packed data set");
  ByteReader prefix(packed.first(prefix_size).subspan(packed_magic.size()));
  const auto offset = prefix.get<std::uint64_t>(), size = prefix.get<std::uint64_t>();
  if (offset < prefix_size || offset > packed.size() || size != packed.size() - offset)
    throw Error("a packed data set is cut or damaged: its size is not the one it names");
  const ByteSpan metadata = packed.subspan(offset);
  if (Identity::of(metadata) != Identity::from_bytes(prefix.raw(Identity::size)))
    throw Error("a packed data set is damaged: its description does not have the hash it names");

  Dataset dataset;
  Description& description = dataset.description_;
  ByteReader reader(metadata);
  description.shape.channels = reader.get<std::int32_t>();
  description.shape.height = reader.get<std::int32_t>();
  description.shape.width = reader.get<std::int32_t>();
  description.classes = reader.get<std::int32_t>();
  dataset.train_.count = description.train_count = reader.get<std::int64_t>();
  dataset.test_.count = description.test_count = reader.get<std::int64_t>();
  dataset.content_hash_ = Identity::from_bytes(reader.raw(Identity::size));
  dataset.origin_ = reader.get<Origin>();
  description.generated = dataset.origin_ == Origin::generated;
  description.name = reader.text();
  dataset.source_ = reader.text();

  ByteReader content(packed.first(offset).subspan(prefix_size));
  for (Split* split : {&dataset.train_, &dataset.test_}) {
    split->images = content.raw(static_cast<std::uint64_t>(split->count) * description.shape.pixels());
    split->labels = content.raw(static_cast<std::uint64_t>(split->count));
    check_labels(description, *split, split == &dataset.train_ ? "training" : "test");
  }
  if (!content.empty()) throw Error("a packed data set is damaged: it holds more bytes than its counts say");
  dataset.owner_ = std::move(owner);
  return dataset;
}

Dataset Dataset::open(Bytes packed) {
  auto owner = std::make_shared<const Bytes>(std::move(packed));
  const ByteSpan bytes = *owner;
  return open(bytes, std::move(owner));
}

Dataset load(const DatasetRequest& request) { return Dataset::open(load_packed(request)); }

}  // namespace telltale::data
